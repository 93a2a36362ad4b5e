// English: the overview.

export const overview = {
  title: "Overview",
  about: "What is happening now.",
  inFlight: "In flight",
  images: "images",
  videos: "videos",
  queued: "Waiting",
  healthy: "Healthy tokens",
  cooling: "Cooling tokens",
  blocked: "Blocked tokens",
  disabled: "Disabled tokens",
  needs: "Needs you",
  needsNothing: "Nothing needs you.",
  noTokens: "There is no token yet: nothing can be generated.",
  noKeys: "There is no key yet: no client can connect.",
  unfinished: "The first steps are not finished.",
  goOn: "Go on",
  networkDown: "Our own network seems to be down.",
  allHeld: "No token can serve at this moment.",
  clear: "Try it again now",
  cleared: (label: string) => `${label} is tried again.`,
};

// English: what every page shares.

export const shell = {
  product: "flow2api",
  skip: "Skip to content",
  menu: "Pages",
  nav: {
    overview: "Overview",
    tokens: "Tokens",
    keys: "Keys",
    playground: "Playground",
    gallery: "Gallery",
    jobs: "Jobs",
    requests: "Requests",
    usage: "Usage",
    settings: "Settings",
    system: "System",
    api: "API",
    account: "Account",
  },
  signOut: "Sign out",
  theme: { label: "Theme", light: "Light", dark: "Dark", system: "System" },
  language: "Language",
  insecure:
    "This connection is not encrypted: passwords and keys can be read on the way. Put HTTPS in front, or use it on this machine only.",
  simulated: "Demo: every result is simulated, and everything here vanishes when the demo stops.",
  shortcuts: {
    title: "Keyboard",
    go: "then a page's letter: go there",
    search: "search",
    rows: "next and previous row",
    select: "select the row",
    open: "open the row",
    help: "this list",
    close: "Close",
  },
};

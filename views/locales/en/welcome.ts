// English: the first steps.

export const welcome = {
  title: "First steps",
  steps: { password: "Password", key: "Key", token: "Token", picture: "Picture" },
  goOn: "Go on",
  skip: "Leave the first steps",
  password: {
    title: "Set your own password",
    about: "You signed in with the one-time password. From now on only yours counts.",
    submit: "Set password",
    done: "Your password is set.",
  },
  key: {
    title: "Make a key",
    about: "Clients connect with a key of this server. It is shown once and stored as a hash.",
    existing: (count: number) =>
      count === 1 ? "There is a key already: the one that was told with the first password." : `There are ${count} keys already.`,
    name: "Who is it for?",
    example: "my app",
    submit: "Make key",
    shown: "This is the key. It is shown this once.",
    settings: "Client settings",
    useExisting: "I have one, go on",
  },
  token: {
    title: "Add a token",
    about:
      "A token is your own access to an upstream: a Gemini API key, or a Flow session. It is checked with the upstream, stored encrypted and never shown again.",
    existing: (count: number) => (count === 1 ? "There is a token in the pool already." : `There are ${count} tokens in the pool already.`),
    provider: "Upstream",
    providers: { gemini: "Gemini API (an API key)", flow: "Flow (a session)" } as Record<string, string>,
    secret: "Key or session",
    secretHint: "Gemini: from the key page of Google AI Studio. Flow: the session cookie of labs.google.",
    label: "Name",
    labelHint: "For you to tell tokens apart; empty: upstream and a number.",
    submit: "Check and add",
    without: "None at hand? The demo has simulated ones and costs nothing. Run it beside this server:",
    added: (label: string) => `${label} is in the pool.`,
  },
  picture: {
    title: "Make a picture",
    about: "The whole way once: key, pool, upstream, storage.",
    prompt: "Prompt",
    example: "A red fox in morning fog, soft light",
    cost: "This is a real call: your upstream may charge for it.",
    submit: "Make it",
    working: "The upstream is working …",
    made: (seconds: string, label: string) => `Made in ${seconds} by ${label}.`,
    again: "Another one",
    finish: "To the overview",
    noToken: "There is no token that can make a picture yet.",
  },
};

// English: signing in.

export const login = {
  title: "Sign in",
  username: "User name",
  password: "Admin password",
  submit: "Sign in",
  wrong: "The user name or the password is wrong.",
  wait: (time: string) => `Too many wrong passwords. Try again in ${time}.`,
  firstTime:
    "First time here? The one-time password was printed where the server was started, or is in first-start.txt in its data folder.",
  over: "This took too long. Sign in again.",
  unlisted: (subject: string) =>
    `Single sign-on knows you as ${subject}, but no list here does. Ask the admin to add that, or a group of yours, to sign_in.viewers, operators or admins.`,
  goOn: "You are signed in. Continue to the admin.",
  codeTitle: "Two-step sign-in",
  code: "Code",
  codeHint: "Six digits from your authenticator app, or one of your recovery codes.",
  wrongCode: "The code is wrong or was used already. Wait for the next one.",
  otherAccount: "Back",
  noCode: "No code at hand? This turns the second step off. Run on the server:",
  forgotten: "Forgotten? Run on the server:",
};

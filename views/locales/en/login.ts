// English: signing in.

export const login = {
  title: "Sign in",
  password: "Admin password",
  submit: "Sign in",
  wrong: "The password is wrong.",
  wait: (time: string) => `Too many wrong passwords. Try again in ${time}.`,
  firstTime:
    "First time here? The one-time password was printed where the server was started, or is in first-start.txt in its data folder.",
  forgotten: "Forgotten? Run on the server:",
};

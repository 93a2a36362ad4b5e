// English: failures that the operator sees, by kind; the message of the failure itself follows.

export const errors = {
  title: "The action failed",
  page: "This page cannot be shown",
  internal: "Internal error. The log has the details.",
  notFound: "Page not found.",
  form: "Please check the marked fields.",
  sessionOver: "You are signed out. Sign in to continue.",
  wrongOrigin: "This request came from another site and was refused.",
  staleForm: "This form has expired. Reload the page and try again.",
  notAllowed: "The admin is not open to this address.",
  roleMissing: "Your account may not do this. Ask an admin.",
  ssoFailed: "Single sign-on failed.",
  back: "Back to the overview",
  tooLarge: "The request is too large.",
};

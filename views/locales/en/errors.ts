// English: failures that the operator sees, by kind; the message of the failure itself follows.

export const errors = {
  title: "That did not work",
  internal: "Something went wrong inside. The log has the details.",
  notFound: "There is nothing here.",
  form: "Please check what is marked.",
  sessionOver: "You are signed out. Sign in to go on.",
  wrongOrigin: "This request came from another site and was refused.",
  staleForm: "This form is too old. Reload the page and try again.",
  notAllowed: "The admin is not open to this address.",
  back: "Back to the overview",
  tooLarge: "What was sent is too large.",
};

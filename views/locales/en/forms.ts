// English: mistakes in forms.

export const forms = {
  /** How a field is called in a message. */
  field: (name: string) => name.replaceAll("_", " "),
  /** Above a form that was refused. */
  mistakes: (count: number) => (count === 1 ? "One field needs a change." : `${count} fields need a change.`),
  kept: "Nothing was saved; what you typed is still here. Passwords and files are to be given again.",
  busy: "Saving…",
  required: "Fill this in.",
  tooLong: (max: number) => `Use at most ${max} characters.`,
  pattern: "This does not have the expected form.",
  whole: (min: number, max: number, required: boolean) =>
    `Enter a whole number ${max >= Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`}${required ? "." : ", or leave it empty."}`,
  decimal: (min: number, max: number, required: boolean) =>
    `Enter a number ${max >= Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`}, like 2.5${required ? "." : ", or leave it empty."}`,
  atMost: (max: number) => `Enter at most ${max}.`,
  choice: "Choose one of the list.",
  typeNumber: (number: string) => `Type ${number}: that is how many it concerns now.`,
};

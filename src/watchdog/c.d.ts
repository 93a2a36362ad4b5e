// C is imported as text, so that the executable contains it.
declare module "*.c" {
  const text: string;
  export = text;
}

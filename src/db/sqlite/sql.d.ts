// Migrations are imported as text, so that the executable contains them.
declare module "*.sql" {
  const text: string;
  export = text;
}

declare module "*/checkpoint-thread.js" {
  /** Where the file lies, also within the executable. */
  const path: string;
  export = path;
}

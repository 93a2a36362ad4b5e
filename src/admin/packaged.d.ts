// Types of asset imports from packages: the import is the file's path.
declare module "htmx.org/dist/*" {
  const path: string;
  // biome-ignore lint/style/noDefaultExport: the form that `with { type: "file" }` has
  export default path;
}

declare module "uplot/dist/*" {
  const path: string;
  // biome-ignore lint/style/noDefaultExport: the form that `with { type: "file" }` has
  export default path;
}

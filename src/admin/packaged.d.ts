// Scripts and styles of packages, imported as files: what is imported is the path, in the source tree or inside the executable.
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

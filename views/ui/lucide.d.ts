// Types of lucide's single icons, which the package describes for its index only.
declare module "lucide/dist/esm/icons/*.mjs" {
  const shapes: readonly (readonly [tag: string, attributes: Readonly<Record<string, string | number>>])[];
  // biome-ignore lint/style/noDefaultExport: the package exports so
  export default shapes;
}

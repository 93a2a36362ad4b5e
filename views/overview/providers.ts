// Names of providers as people know them.
import type { View } from "../ui/view.ts";

/** One without a name of ours is called as its adapter calls it. */
export const providerName = ({ t }: View, provider: string): string => t.overview.providers[provider] ?? provider;

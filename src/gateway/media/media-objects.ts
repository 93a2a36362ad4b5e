// The bucket of media that the settings name.

import type { Settings } from "../../config/settings-schema.ts";
import { ObjectStore } from "../../object-store/object-store.ts";

/** Null: media lie in the data folder. */
export function mediaObjectsOf(storage: Settings["storage"]): ObjectStore | null {
  const { media_url: url, s3_endpoint: endpoint, s3_region: region, s3_access_key: accessKey, s3_secret_key: secretKey } = storage;
  return url === "" ? null : new ObjectStore({ url, endpoint, region, accessKey, secretKey });
}

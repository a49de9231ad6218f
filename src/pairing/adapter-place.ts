import { shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import type { NativeAddon } from "../native/addon-types.js";

/**
 * Refuses a path at which a model lies: an adapter in its place would be a slip, and the model lost.
 * @throws ERR_INVALID_ARGUMENT
 */
export async function refuseModel(addon: Pick<NativeAddon, "inspectModel">, path: string): Promise<void> {
    const isModel = await addon.inspectModel(path).then(
        () => true,
        () => false // not there, or something else
    );
    if (!isModel) return;
    const message = `A model lies at ${shortenMiddle(path)}, and would be lost: name another file for the adapter.`;
    throw new RastError("ERR_INVALID_ARGUMENT", message, { details: { path } });
}

// What other machines may type for one that listens everywhere.
import { networkInterfaces, type NetworkInterfaceInfo } from "node:os";

/**
 * Addresses at which others find somebody who listens at `host`, where that is every address of this machine; none where `host` says it
 * itself.
 */
export function reachableAt(
    host: string,
    interfaces: NodeJS.Dict<readonly NetworkInterfaceInfo[]> = networkInterfaces()
): readonly string[] {
    const families = host === "0.0.0.0" ? ["IPv4"] : /^[0:]+$/.test(host) ? ["IPv4", "IPv6"] : [];
    // addresses of a link alone mean something else elsewhere
    return Object.values(interfaces)
        .flatMap((all) => all ?? [])
        .filter(
            ({ family, internal, address }) => families.includes(family) && !internal && !/^fe[89ab]/i.test(address)
        )
        .map(({ address }) => address);
}

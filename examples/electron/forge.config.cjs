// electron-forge make. What is left out, and what lies beside the archive, is as in electron-builder.yml.
const { gpu } = process.env; // "", "vulkan" or "cuda,vulkan": whose libraries are shipped

const wanted = (gpu ?? "vulkan").split(",");
const notWanted = ["cuda", "vulkan"].filter((kind) => !wanted.includes(kind));

module.exports = {
    packagerConfig: {
        // The addon, llama.cpp's libraries, models and scripts of child processes are opened by the system, not by Electron.
        asar: { unpackDir: "node_modules/{rast-llama,@rast-llama,@node-llama-cpp}" },
        ignore: [
            /^\/(?!dist\/|dist$|node_modules\/|node_modules$|package\.json$)/,
            /^\/node_modules\/\.bin/,
            ...notWanted.map((kind) => new RegExp(`^/node_modules/@node-llama-cpp/[^/]+-${kind}(-ext)?(/|$)`)),
            new RegExp(`^/node_modules/rast-llama/prebuilds/(?!${process.platform}-${process.arch}(/|$))[^/]+`),
            /^\/node_modules\/rast-llama\/(bench|docs|native)(\/|$)/
        ],
        appBundleId: "org.example.rast",
        // Signed and notarized where the variables of README.md are set.
        ...(process.env["APPLE_TEAM_ID"] === undefined
            ? {}
            : {
                  osxSign: { optionsForFile: () => ({ entitlements: "entitlements.mac.plist" }) },
                  osxNotarize: {
                      appleId: process.env["APPLE_ID"],
                      appleIdPassword: process.env["APPLE_APP_SPECIFIC_PASSWORD"],
                      teamId: process.env["APPLE_TEAM_ID"]
                  }
              })
    },
    makers: [
        { name: "@electron-forge/maker-zip", platforms: ["darwin"], config: {} },
        { name: "@electron-forge/maker-deb", platforms: ["linux"], config: {} },
        { name: "@electron-forge/maker-squirrel", platforms: ["win32"], config: {} }
    ]
};

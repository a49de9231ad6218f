// What compiling the addon needs, and one clear line for what is missing.
import { spawnSync } from "node:child_process";

const tools = [
    {
        what: "a C++ compiler",
        commands: process.platform === "win32" ? ["cl"] : [process.env.CXX || "c++", "g++", "clang++"],
        install: { linux: "apt-get install g++", darwin: "xcode-select --install", win32: "Visual Studio Build Tools" }
    },
    {
        what: "CMake",
        commands: ["cmake"],
        install: { linux: "apt-get install cmake", darwin: "brew install cmake", win32: "winget install Kitware.CMake" }
    },
    {
        what: "git",
        commands: ["git"],
        install: { linux: "apt-get install git", darwin: "xcode-select --install", win32: "winget install Git.Git" }
    },
    {
        what: "make or ninja",
        commands: process.platform === "win32" ? ["msbuild", "ninja", "cmake"] : ["make", "ninja"],
        install: { linux: "apt-get install make", darwin: "xcode-select --install", win32: "Visual Studio Build Tools" }
    }
];

function runs(command) {
    return spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined;
}

/**
 * @param {{ git?: boolean }} needs git: to take llama.cpp's headers out of its source
 * @returns one line that names what is missing and the package that brings it, or null when all is there
 */
export function missingTool({ git = true } = {}) {
    for (const tool of tools.filter(({ what }) => git || what !== "git")) {
        if (!tool.commands.some(runs)) {
            const how = tool.install[process.platform] ?? tool.install.linux;
            return `rast-llama needs ${tool.what} to build its addon, and found none: install it (${how}) and try again.`;
        }
    }
    return null;
}

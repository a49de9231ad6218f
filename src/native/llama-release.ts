/** The release of llama.cpp that the addon is compiled for. */
export const llamaRelease = "v0.5.0";

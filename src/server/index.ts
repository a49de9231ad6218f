// What `rast-llama/server` exports: apart from `rast-llama`, so that programs which serve nothing load no HTTP.
export { serve } from "./serve.js";
export type { CloseOptions, LogLevel, LogStream, RastServer, ServedModelOptions, ServeOptions } from "./serve.js";

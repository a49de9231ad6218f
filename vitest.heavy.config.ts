import { mergeConfig } from "vitest/config";
import everyday from "./vitest.config.js";

process.env["RAST_HEAVY"] = "1";

export default mergeConfig(everyday, { test: { testTimeout: 1_200_000, hookTimeout: 600_000 } });

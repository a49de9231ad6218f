import type { NativeDriverAnswer } from "../../src/native/addon-types.js";

/** Of a driver that was not asked. */
export const noAnswer: NativeDriverAnswer = {
    stage: "",
    call: "",
    code: 0,
    said: "",
    driverVersion: 0,
    runtimeVersion: 0,
    devices: []
};

/** Fingerprints of the models that come with the package: they need no trial. A test compares them with the files. */
export const knownModels: ReadonlySet<string> = new Set([
    "81a0982ad8700e684d832da8bca5ccfda01eb5708ae59d76d5effee1cba0ce57",
    "83c201d688487f32873f752d04d8cb20d2d98f1d743191b5c9b5a903428ec21d",
    "4c0fa2e3e35bef2dc4b189eaf82b428882dc04e6733ef0e279c9100318f33571",
    "8bf8feb1452375ebb8d5f4aaf064c3e8d53a5a70587331d8f228cd0237a0d6dc",
    "8f870226015e7a354f673348933b7d5c1417c685721c7547adc3b1beb18dcc55",
    "bf532baad882eab260083ec98c74d9fc80fa5035eb29068bd8b0846af77c8dc4",
    "4322bbfc593dbb3b96afb544dedc0927763fbacfbc46ba6d5812ec787c56c74c",
    "d29fb85f616434e002c2659daf2eeafb8f33e6a5d0d8ca265366a83c10376d8c",
    "8b8677330e5e651b1ec2fbaa68167bcbe77b284704dc3d2e5960c055d8657529",
    "163d91689c6a3b56b591a4858ceeabdac66b74ffe161aff4658b693c1c3b0799",
    "8d51123af50b4af1a3699a0c64869acd933467d65a57acce23d656908dcc5d97"
]);

export { wilsonInterval, type Accuracy, type ShareInterval } from "./accuracy.js";
export { Rast } from "./engine/engine.js";
export type {
    ExplainOptions,
    GenerateOptions,
    GenerateSettings,
    MessagesPrompt,
    Mode,
    Prompt,
    PromptOptions,
    PromptSettings,
    TextPrompt,
    TokensPrompt
} from "./engine/generate-options.js";
export type { Generation } from "./engine/generation.js";
export type { AdapterInfo, ModelInfo, PairInfo, RastInfo, SpecialTokenInfo } from "./engine/info.js";
export type { JsonSchema, JsonSchemaOption } from "./engine/json-schema.js";
export type {
    DetokenizeOptions,
    LoadedState,
    LoadStateOptions,
    MeasureOptions,
    SavedState,
    SaveStateOptions,
    SaveStateSettings,
    TokenizeOptions
} from "./engine/method-options.js";
export type { AnswerFoundBy } from "./grading/extract.js";
export { evaluate } from "./eval/evaluate.js";
export { evaluationReport } from "./eval/report-on-records.js";
export type { EvalProgress, EvalServer, EvaluateOptions } from "./eval/options.js";
export type { EvalMode } from "./eval/ask/contestants.js";
export type { Estimate } from "./eval/metrics/bootstrap.js";
export { majorityAtK, type Vote } from "./eval/metrics/majority.js";
export { passAtK } from "./eval/metrics/pass-at-k.js";
export { recoveryRate, type RecoveryShares } from "./eval/metrics/recovery-rate.js";
export type {
    AskedData,
    AtK,
    ContestantFigures,
    Difference,
    EvalReport,
    Lengths,
    Recovery
} from "./eval/metrics/report.js";
export type {
    ContestantLine,
    ContestantRole,
    RecordedAdapter,
    RecordedData,
    RecordedModel,
    RecordedPrompt,
    RecordedSampling,
    RecordedServer,
    RecordedVersions,
    RecordHead
} from "./eval/record/schema.js";
export type { GradeAnswer } from "./grading/answers.js";
export { grade, type Graded } from "./grading/grade.js";
export {
    gradeFile,
    type BadLine,
    type GradedLine,
    type GradeFileOptions,
    type GradeSource,
    type GradeSummary
} from "./grading/grade-file.js";
export { convertAdapter, type ConvertAdapterOptions, type ConvertedAdapter } from "./pairing/convert-adapter.js";
export {
    extractLora,
    type ExtractedLora,
    type ExtractLoraOptions,
    type ExtractLoraProgress
} from "./pairing/extract-lora.js";
export type { LoraEffect, Nearness } from "./pairing/lora-effect.js";
export type { ExtractedTensor, LostTensor } from "./checkpoint/lora-extract.js";
export type { AdapterType } from "./checkpoint/adapter-output.js";
export { graftModel, type GraftOptions, type GraftProgress, type GraftResult } from "./checkpoint/graft.js";
export {
    quantizeModel,
    type QuantizeOptions,
    type QuantizeProgress,
    type QuantizeResult,
    type TensorTypeRule
} from "./gguf/quantize.js";
export {
    checkTrio,
    type CheckedAdapter,
    type CheckedModel,
    type CheckOptions,
    type TrioCheck
} from "./pairing/check-trio.js";
export {
    planCatalog,
    planTrio,
    type ChosenQuantizations,
    type PlannedModel,
    type TrioPlan
} from "./planning/plan-trio.js";
export type { PlannedBandwidth, PlannedWorker } from "./planning/planned-machine.js";
export type { PlanOptions } from "./planning/plan-options.js";
export type { PlannedPlace } from "./planning/plan-models.js";
export type { ExpectedSpeed } from "./planning/speed.js";
export type { MemoryParts } from "./placement/placed-parts.js";
export type { CoverageShares, DeepCheck, DeepCheckOptions, RoleFigures } from "./pairing/deep-check.js";
export type { FindingKind, TrioFinding } from "./pairing/findings.js";
export {
    explain,
    type ExplanationOptions,
    type ExplanationProgress,
    type ExplanationSettings
} from "./explain/explain.js";
export type { AlignedStretch } from "./explain/alignment.js";
export { likeliestAt, type LikeliestAt } from "./explain/at-lambda.js";
export type {
    ExplainedModel,
    ExplainedModels,
    ExplainedPair,
    ExplainedText,
    ExplainedToken,
    Explanation,
    ExplanationSummary
} from "./explain/explanation.js";
export { coveragePage, type NamedCoverage } from "./explain/page/coverage-page.js";
export { explanationPage } from "./explain/page/page.js";
export {
    pathCoverage,
    readCoverageRecords,
    type CoveredRecord,
    type CoverageRecord,
    type CoverageTotal,
    type PathCoverage,
    type PathCoverageOptions
} from "./explain/path-coverage.js";
export type { ReasoningKind } from "./explain/reasoning-words.js";
export type {
    DistributionComparison,
    ProbabilityFigures,
    SpreadFigures,
    TextComparison
} from "./scoring/comparison.js";
export type { MeanEstimate, Spread } from "./scoring/estimates.js";
export {
    perplexity,
    type PerplexityOptions,
    type PerplexityProgress,
    type PerplexityResult,
    type GreedyShares,
    type ScoredModels,
    type ScoredPair,
    type TextPerplexity
} from "./scoring/perplexity.js";
export type { RecordSource } from "./scoring/record-lines.js";
export {
    readScoreRecords,
    scoreRecords,
    type EndingChoice,
    type FailedRecord,
    type GreedyFlags,
    type RecordError,
    type ScoredEnding,
    type ScoredRecord,
    type ScoredToken,
    type ScoreRecord,
    type ScoreRecordsOptions
} from "./scoring/score-records.js";
export type { DistributionEstimates, DivergenceFigures } from "./scoring/text-trace.js";
export { loadRast } from "./loading/load.js";
export type { LoadOptions, LoadProgress, ModelOptions, PairOptions, WorkerProgress } from "./loading/load-options.js";
export type { LoraOptions } from "./trio/adapters.js";
export { listTrios, trioInfo } from "./pulling/trio-info.js";
export type {
    PublishedFigures,
    QuantizationInfo,
    TrioInfo,
    TrioInfoOptions,
    TrioModelInfo,
    TrioSummary
} from "./pulling/trio-info.js";
export { pullTrio, type PulledBy, type PulledModel, type PulledTrio } from "./pulling/pull.js";
export type { PullOptions } from "./pulling/pull-options.js";
export type { PullProgress } from "./pulling/progress.js";
export type { DownloadProof } from "./hub/download.js";
export type { HubOptions } from "./hub/hub-settings.js";
export { writeTrioFile, type TrioFileOptions } from "./trio/write-trio.js";
export type { SpecialTokenMap, SpecialTokens } from "./trio/special-tokens.js";
export type { IsolationOptions } from "./isolate/isolation-options.js";
export type {
    NetworkStats,
    NetworkUse,
    GenerationPart,
    PairPlaces,
    RastResult,
    RastTimings,
    RolePlace,
    RolePlaces,
    WorkerPlace,
    RoleTimes,
    NgramStats,
    SpeculationStats,
    StopReason,
    TimesOfRoles,
    TokenAlternative,
    TokenLogprob,
    TokenUsage
} from "./engine/results.js";
export type { ScoreResult, ScoreUsage } from "./engine/score.js";
export type {
    CompletionText,
    CompletionTokens,
    NoPrompt,
    ScoreOptions,
    ScoreSettings
} from "./engine/score-options.js";
export type { DistributionFigures, PairScore, ScoredAlternative, TokenScore } from "./engine/token-scores.js";
export type { SamplingOptions } from "./engine/sampling-options.js";
export type { NgramDrafts, Speculation } from "./engine/speculation-options.js";
export { RastError, errorCatalogue, type ErrorCode, type ErrorEntry, type PlainRastError } from "./errors.js";
export type {
    NativeBackendOutcome as BackendOutcome,
    NativeDriverAnswer as DriverAnswer,
    NativeDriverDevice as DriverDevice,
    NativeBuffer as MemoryBuffer,
    NativeContextMemory as ContextMemory,
    NativeDevice as Device,
    NativeKvType as KvType,
    NativeLibraries as Libraries,
    NativeRole as Role
} from "./native/addon-types.js";
export type { BackendAttempt, BackendChoice, BackendKind } from "./native/libraries.js";
export type { PlainError, PlainValue } from "./plain-value.js";
export type { ChatOptions } from "./text/chat-options.js";
export type { Thinking } from "./text/thinking.js";
export type { ChatMessage, TextPart } from "./text/chat-template.js";

// What a server is made of. In dist this file is a bundle of it (scripts/build-server.mjs): 17 MB less for those who install the package.
export { default as cors } from "@fastify/cors";
export { default as fastify, LogController } from "fastify";
export { pino } from "pino";
export { Counter, Gauge, Histogram, Registry } from "prom-client";

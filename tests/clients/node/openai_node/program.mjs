// The cases of openai-node by the one of its two interfaces that API names.
import { tell } from "./telling.mjs";

const { cases } = await import(`./${process.env.API}.mjs`);
await tell(cases);

// Written by 'svault install'; 'svault uninstall' takes it away.
// Shows every tool call to svault before it runs, and what came of it afterwards. No answer is a no.
import { spawn } from "node:child_process";

const command = ["SVAULT"];
const environment = ({});
const patience = 20000; // milliseconds

function ask(question) {
  return new Promise((resolve, reject) => {
    const [program, ...args] = command;
    const hook = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...environment },
      timeout: patience,
      killSignal: "SIGKILL",
    });
    let said = "";
    let complaint = "";
    hook.stdout.setEncoding("utf8").on("data", (part) => (said += part));
    hook.stderr.setEncoding("utf8").on("data", (part) => (complaint += part));
    hook.stdin.on("error", () => {});
    hook.on("error", (e) => reject(new Error(`svault could not check this: ${e.message}`)));
    hook.on("close", (code) => {
      if (code !== 0) return reject(new Error(complaint.trim() || "svault could not check this"));
      try {
        resolve(said.trim() ? JSON.parse(said) : {});
      } catch {
        reject(new Error("svault could not check this"));
      }
    });
    hook.stdin.end(JSON.stringify(question));
  });
}

// The client keeps the object that it handed out, so new values go into that one.
function put(into, from) {
  for (const key of Object.keys(into)) if (!(key in from)) delete into[key];
  Object.assign(into, from);
}

export const Svault = async ({ directory }) => ({
  "tool.execute.before": async (input, output) => {
    const answer = await ask({ event: "pre", tool: input.tool, cwd: directory, args: output.args });
    if (answer.deny) throw new Error(answer.deny);
    if (answer.args) put(output.args, answer.args);
  },
  "tool.execute.after": async (input, output) => {
    try {
      const question = { event: "post", tool: input.tool, cwd: directory, args: input.args, output };
      const answer = await ask(question);
      if (answer.deny) throw new Error(answer.deny);
      if (answer.output) put(output, answer.output);
    } catch (e) {
      // What could not be checked is not shown.
      put(output, { ...output, output: e.message, content: [{ type: "text", text: e.message }], metadata: {} });
    }
  },
});

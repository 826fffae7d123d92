// What node's dotenv makes of each text of a JSON list on stdin: names and values, as JSON on stdout.
const { parse } = require("dotenv");
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map((text) => ({ ...parse(text) }))));

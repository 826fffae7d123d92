"""What python-dotenv makes of each text of a JSON list on stdin: names and values, as JSON on stdout."""
import io, json, sys
from dotenv.main import DotEnv

out = []
for text in json.load(sys.stdin):
    read = DotEnv(dotenv_path=None, stream=io.StringIO(text), interpolate=True, override=True, verbose=False)
    out.append({k: v for k, v in read.dict().items() if v is not None})
json.dump(out, sys.stdout)

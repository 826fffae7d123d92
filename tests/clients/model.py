"""A model that follows a script, behind the four wire forms that agents speak to models in.

It listens on 127.0.0.1 alone. What it is sent is kept: that is what a model would have seen.
"""
import gzip
import json
import re
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = "mock-model"
# The tool by which some clients find tools that they keep out of a request, and the one that calls those.
SEARCH, BRIDGE = ("ToolSearch", "tool_search"), ("tool_call",)


def text_of(content):
    return content if isinstance(content, str) else json.dumps(content)


class Messages:
    """Anthropic's."""

    path = r"/messages$"

    @staticmethod
    def tools(body):
        return [(tool.get("name"), None) for tool in body.get("tools") or []]

    @staticmethod
    def steps(body):
        """[(tool, result)] of the conversation so far."""
        blocks = [b for m in body.get("messages") or [] if isinstance(m.get("content"), list) for b in m["content"]]
        results = {b["tool_use_id"]: text_of(b.get("content")) for b in blocks if b.get("type") == "tool_result"}
        return [(b["name"], results.get(b["id"])) for b in blocks if b.get("type") == "tool_use"]

    @staticmethod
    def whole(answer):
        if answer.tool:
            block = {"type": "tool_use", "id": answer.id, "name": answer.tool, "input": answer.args}
        else:
            block = {"type": "text", "text": answer.text}
        return {"id": "msg_" + answer.id, "type": "message", "role": "assistant", "model": NAME, "content": [block],
                "stop_reason": "tool_use" if answer.tool else "end_turn", "stop_sequence": None,
                "usage": {"input_tokens": 1, "output_tokens": 1}}

    @classmethod
    def events(cls, answer):
        whole = cls.whole(answer)
        block = whole["content"][0]
        if answer.tool:
            empty = dict(block, input={})
            delta = {"type": "input_json_delta", "partial_json": json.dumps(answer.args)}
        else:
            empty, delta = dict(block, text=""), {"type": "text_delta", "text": answer.text}
        for event in (
            {"type": "message_start", "message": dict(whole, content=[], stop_reason=None)},
            {"type": "content_block_start", "index": 0, "content_block": empty},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None},
             "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        ):
            yield event["type"], event


class Responses:
    """OpenAI's newer form. Tools of a server come as a namespace."""

    path = r"/responses$"

    @staticmethod
    def tools(body):
        groups = [body.get("tools") or []]
        groups += [i.get("tools") or [] for i in body.get("input") or [] if isinstance(i, dict) and i.get("type") == "additional_tools"]
        found = []
        for tool in (tool for group in groups for tool in group):
            if tool.get("type") == "namespace":
                found += [(inner.get("name"), tool.get("name")) for inner in tool.get("tools") or []]
            else:
                found.append((tool.get("name") or tool.get("type"), None))
        return found

    @staticmethod
    def steps(body):
        items = [i for i in body.get("input") or [] if isinstance(i, dict)]
        results = {i["call_id"]: text_of(i.get("output")) for i in items if i.get("type") == "function_call_output"}
        return [(i["name"], results.get(i["call_id"])) for i in items if i.get("type") == "function_call"]

    @staticmethod
    def item(answer):
        if not answer.tool:
            part = {"type": "output_text", "text": answer.text, "annotations": []}
            return {"type": "message", "id": "msg_" + answer.id, "role": "assistant", "status": "completed", "content": [part]}
        item = {"type": "function_call", "id": "fc_" + answer.id, "call_id": answer.id, "status": "completed",
                "name": answer.tool, "arguments": json.dumps(answer.args)}
        return dict(item, namespace=answer.namespace) if answer.namespace else item

    @classmethod
    def whole(cls, answer):
        usage = {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 1,
                 "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 2}
        return {"id": "resp_" + answer.id, "object": "response", "created_at": int(time.time()), "status": "completed",
                "model": NAME, "output": [cls.item(answer)], "parallel_tool_calls": False, "tools": [], "usage": usage}

    @classmethod
    def events(cls, answer):
        whole, item = cls.whole(answer), cls.item(answer)
        begun = dict(whole, status="in_progress", output=[])
        for number, event in enumerate((
            {"type": "response.created", "response": begun},
            {"type": "response.output_item.added", "output_index": 0, "item": dict(item, status="in_progress")},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": whole},
        )):
            yield event["type"], dict(event, sequence_number=number)


class Chat:
    """OpenAI's older form, which most others took over."""

    path = r"/chat/completions$"

    @staticmethod
    def tools(body):
        return [((tool.get("function") or tool).get("name"), None) for tool in body.get("tools") or []]

    @staticmethod
    def steps(body):
        messages = body.get("messages") or []
        results = {m["tool_call_id"]: text_of(m["content"]) for m in messages if m.get("role") == "tool"}
        calls = [call for m in messages for call in m.get("tool_calls") or []]
        return [(c["function"]["name"], results.get(c["id"])) for c in calls]

    @staticmethod
    def message(answer):
        if not answer.tool:
            return {"role": "assistant", "content": answer.text}
        function = {"name": answer.tool, "arguments": json.dumps(answer.args)}
        return {"role": "assistant", "content": None, "tool_calls": [{"id": answer.id, "type": "function", "function": function}]}

    @classmethod
    def whole(cls, answer):
        choice = {"index": 0, "message": cls.message(answer), "finish_reason": "tool_calls" if answer.tool else "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return {"id": "chat_" + answer.id, "object": "chat.completion", "created": int(time.time()), "model": NAME,
                "choices": [choice], "usage": usage}

    @classmethod
    def events(cls, answer):
        whole = cls.whole(answer)
        base = dict(whole, object="chat.completion.chunk", choices=[])
        delta = cls.message(answer)
        if answer.tool:
            delta = dict(delta, tool_calls=[dict(delta["tool_calls"][0], index=0)])
        ends = whole["choices"][0]["finish_reason"]
        yield None, dict(base, choices=[{"index": 0, "delta": delta, "finish_reason": None}], usage=None)
        yield None, dict(base, choices=[{"index": 0, "delta": {}, "finish_reason": ends}], usage=None)
        yield None, base
        yield None, "[DONE]"


class Gemini:
    """Google's."""

    path = r":(stream)?[gG]enerateContent$"

    @staticmethod
    def tools(body):
        return [(f.get("name"), None) for tool in body.get("tools") or [] for f in tool.get("functionDeclarations") or []]

    @staticmethod
    def steps(body):
        parts = [p for c in body.get("contents") or [] for p in c.get("parts") or []]
        results = [json.dumps(p["functionResponse"].get("response")) for p in parts if "functionResponse" in p]
        calls = [p["functionCall"]["name"] for p in parts if "functionCall" in p]
        return list(zip(calls, results + [None] * len(calls)))

    @staticmethod
    def whole(answer):
        part = {"text": answer.text}
        if answer.tool:
            part = {"functionCall": {"name": answer.tool, "args": answer.args, "id": answer.id}}
        usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        content = {"role": "model", "parts": [part]}
        return {"candidates": [{"content": content, "finishReason": "STOP", "index": 0}], "usageMetadata": usage,
                "modelVersion": NAME, "responseId": answer.id}

    @classmethod
    def events(cls, answer):
        yield None, cls.whole(answer)


FORMS = (Messages, Responses, Chat, Gemini)


class Answer:
    """A call of a tool, or text."""

    def __init__(self, number, text=None, tool=None, args=None):
        self.id = "call_%d" % number
        self.text, self.args = text, args
        self.tool, self.namespace = tool or (None, None)


def next_answer(script, form, body, number):
    """The step that follows from the conversation alone, so that retries and side requests don't move it."""
    tools = [tool for tool in form.tools(body) if tool[0]]
    made = [name for name, _ in form.steps(body)]
    at = sum(name not in SEARCH for name in made)
    if not tools or at >= len(script):
        return Answer(number, text="done")
    step = script[at]

    def called(*names):
        return next((tool for tool in tools if tool[0] in names), None)

    tool = next((tool for tool in tools if re.search(step["tool"], tool[0])), None)
    if tool:
        return Answer(number, tool=tool, args=step["args"])
    late = step.get("late")
    if late and made and made[-1] in SEARCH and called(*BRIDGE):
        return Answer(number, tool=called(*BRIDGE), args={"name": late, "arguments": step["args"]})
    if late and not (made and made[-1] in SEARCH) and called(*SEARCH):
        return Answer(number, tool=called(*SEARCH), args={"query": "select:" + late})
    return Answer(number, text="no tool matches %s: %s" % (step["tool"], sorted(t[0] for t in tools)))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, code, kind, data):
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_HEAD(self):
        self.reply(200, "text/plain", b"")

    def do_GET(self):
        model = {"id": NAME, "object": "model", "type": "model", "display_name": NAME, "created": 0, "owned_by": "mock"}
        models = {"object": "list", "data": [model], "has_more": False, "models": []}
        self.reply(200, "application/json", json.dumps(models).encode())

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        packed = (self.headers.get("content-encoding") or "").lower()
        raw = {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(packed, bytes)(raw)
        path = self.path.split("?")[0].rstrip("/")
        form = next((form for form in FORMS if re.search(form.path, path)), None)
        if form is None:
            count = {"input_tokens": 1, "totalTokens": 1}
            return self.reply(200, "application/json", json.dumps(count).encode())
        body = json.loads(raw or b"{}")
        with self.server.lock:
            self.server.seen.append((form, body))
            number = len(self.server.seen)
        answer = next_answer(self.server.script, form, body, number)
        if body.get("stream") or "stream" in path.rsplit(":", 1)[-1]:
            lines = []
            for name, event in form.events(answer):
                head = "event: %s\n" % name if name else ""
                lines.append("%sdata: %s\n\n" % (head, event if isinstance(event, str) else json.dumps(event)))
            return self.reply(200, "text/event-stream", "".join(lines).encode())
        self.reply(200, "application/json", json.dumps(form.whole(answer)).encode())


class Model(ThreadingHTTPServer):
    """Running until it is closed."""

    daemon_threads = True

    def __init__(self, script):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.seen, self.lock = script, [], threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.server_port

    def steps(self):
        """[(tool, result)] of the longest conversation, without the client's own search for tools."""
        all_steps = [form.steps(body) for form, body in self.seen]
        return [step for step in max(all_steps, key=len, default=[]) if step[0] not in SEARCH]

    def text(self):
        """Everything that it was sent."""
        return "\n".join(json.dumps(body, ensure_ascii=False) for _, body in self.seen)

"""A llama-server for tests whose answers take a time of their own, however busy the machine is.

LAB_ENGINE in the environment is what it does. `paced:BEFORE:WORDS` takes so many seconds until the first word of an answer and
so many for the words, as many as `max_tokens`, for as many requests at once as it has slots (-np). `half` says three words and
half an event, and then nothing more.
"""
import http.server
import json
import os
import sys
import threading
import time

mode, *times = os.environ["LAB_ENGINE"].split(":")
before, saying = map(float, times) if times else (0, 0)
slots = int(sys.argv[-sys.argv[::-1].index("-np")])
free = threading.Semaphore(slots)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # The head and the body of a reply are written apart.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.startswith("/slots"):
            self.answer([{"id": number, "is_processing": False} for number in range(slots)])
        else:
            self.answer({"status": "ok"})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        if mode == "half":
            self.begin_stream()
            for word in ("one ", "two ", "three "):
                self.say(chunk({"content": word}))
            self.say('data: {"choices":[{"index":0,"delta":{"content":"half')
            time.sleep(600)
        words = [f"word{number} " for number in range(request.get("max_tokens") or 16)]
        with free:
            if request.get("stream"):
                self.begin_stream()
                time.sleep(before)
                for word in words:
                    self.say(chunk({"content": word}))
                    time.sleep(saying / len(words))
                self.say(chunk({}, timings=timings(len(words))) + "data: [DONE]\n\n")
                self.say("")
            else:
                time.sleep(before + saying)
                self.answer({"object": "chat.completion", "model": request["model"], "timings": timings(len(words)), "choices": [
                    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "".join(words)}}]})

    def answer(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def say(self, text):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text.encode()), text.encode()))
        self.wfile.flush()


def chunk(delta, **more):
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": delta}], **more}, separators=(",", ":")) + "\n\n"


def timings(words):
    return {"cache_n": 0, "prompt_n": 50, "prompt_ms": 1000 * before, "predicted_n": words, "predicted_ms": 1000 * saying}


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()

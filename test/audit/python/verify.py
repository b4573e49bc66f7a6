#!/usr/bin/env python3
"""A second verifier of Countersign exports, from docs/log-format.md alone. Standard library only.

    python3 verify.py [--key notary.pem]... [--complete] [--jcs] export.jsonl...

Prints one JSON line a file: {"ok", "codes": every fault's code in order, "runs", "records", "newer"}. With --jcs it prints the canonical
JSON of each file instead. Exit code 1 when a file has a fault.
"""
import base64
import hashlib
import json
import math
import re
import sys
import unicodedata
from datetime import datetime

ZEROS = "0" * 64
MAX_DEPTH = 64


# ---- canonical JSON (RFC 8785) ----------------------------------------------------------------------------------------------------

def number(value):
    """A double as ECMAScript writes it."""
    value = float(value)
    if not math.isfinite(value):
        raise ValueError("not a number of JSON")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) if whole != "0" else int(exponent or 0) - (len(fraction) - len(fraction.lstrip("0")))
    digits = digits.rstrip("0")
    n, k = point, len(digits)
    if k <= n <= 21:
        text = digits + "0" * (n - k)
    elif 0 < n <= 21:
        text = digits[:n] + "." + digits[n:]
    elif -6 < n <= 0:
        text = "0." + "0" * -n + digits
    else:
        e = n - 1
        text = digits[0] + ("." + digits[1:] if k > 1 else "") + "e" + ("+" if e > 0 else "-") + str(abs(e))
    return sign + text


def string(value):
    value.encode("utf-8")  # half a surrogate pair has no canonical form
    return json.dumps(value, ensure_ascii=False)


def jcs(value):
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return string(value)
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, list):
        return "[" + ",".join(map(jcs, value)) + "]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(string(key) + ":" + jcs(value[key]) for key in keys) + "}"


def sha256(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def hash_json(value):
    return sha256(jcs(value))


def without(value, *names):
    return {key: member for key, member in value.items() if key not in names}


def refuse(_):
    raise ValueError("not JSON")


def parse(line):
    value = json.loads(line, parse_constant=refuse)
    if too_deep(value):
        raise ValueError("too deep")
    return value


def too_deep(value):
    stack = [(value, 0)]
    while stack:
        at, depth = stack.pop()
        if isinstance(at, (dict, list)):
            if depth >= MAX_DEPTH or (isinstance(at, dict) and "__proto__" in at):
                return True
            stack.extend((member, depth + 1) for member in (at.values() if isinstance(at, dict) else at))
    return False


def is_canonical(line, value):
    try:
        return jcs(value) == line
    except (ValueError, OverflowError, RecursionError):
        return False


# ---- ECDSA on P-256 ----------------------------------------------------------------------------------------------------------------

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296, 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")


def double(point):
    x, y, z = point
    if not y or not z:
        return (0, 1, 0)
    squared = y * y % P
    s = 4 * x * squared % P
    m = 3 * (x - z * z) * (x + z * z) % P
    x3 = (m * m - 2 * s) % P
    return (x3, (m * (s - x3) - 8 * squared * squared) % P, 2 * y * z % P)


def add(left, right):
    if not left[2]:
        return right
    if not right[2]:
        return left
    x1, y1, z1 = left
    x2, y2, z2 = right
    z1z1, z2z2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * z2z2 % P, x2 * z1z1 % P
    s1, s2 = y1 * z2 * z2z2 % P, y2 * z1 * z1z1 % P
    if u1 == u2:
        return double(left) if s1 == s2 else (0, 1, 0)
    h, r = (u2 - u1) % P, (s2 - s1) % P
    hh = h * h % P
    hhh = h * hh % P
    v = u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return (x3, (r * (v - x3) - s1 * hhh) % P, h * z1 * z2 % P)


def combine(a, first, b, second):
    """a * first + b * second"""
    both = add(first, second)
    total = (0, 1, 0)
    for bit in range(max(a.bit_length(), b.bit_length()) - 1, -1, -1):
        total = double(total)
        chosen = (a >> bit & 1, b >> bit & 1)
        if chosen == (1, 1):
            total = add(total, both)
        elif chosen == (1, 0):
            total = add(total, first)
        elif chosen == (0, 1):
            total = add(total, second)
    return total


class Key:
    def __init__(self, pem):
        body = re.search(r"-----BEGIN PUBLIC KEY-----(.*?)-----END PUBLIC KEY-----", pem, re.S)
        der = base64.b64decode("".join(body.group(1).split())) if body else b""
        if len(der) != len(SPKI) + 64 or not der.startswith(SPKI):
            raise ValueError("not a public key on P-256")
        x, y = int.from_bytes(der[-64:-32], "big"), int.from_bytes(der[-32:], "big")
        if (y * y - x * x * x + 3 * x - B) % P != 0:
            raise ValueError("not a point of P-256")
        self.point = (x, y, 1)
        self.fingerprint = hashlib.sha256(der).hexdigest()
        self.known = {}

    def verify(self, text, signature):
        if (text, signature) not in self.known:
            self.known[text, signature] = self.check(text, signature)
        return self.known[text, signature]

    def check(self, text, signature):
        r, s = int(signature[:64], 16), int(signature[64:], 16)
        if not (0 < r < N and 0 < s <= N // 2):
            return False
        digest = int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest(), "big")
        inverse = pow(s, -1, N)
        x, _, z = combine(digest * inverse % N, G + (1,), r * inverse % N, self.point)
        return bool(z) and x * pow(z * z, -1, P) % P % N == r


# ---- the shape of lines ------------------------------------------------------------------------------------------------------------

def is_int(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value) and abs(value) < 2**53


def integer(low=None, high=None):
    return lambda v: is_int(v) and (low is None or v >= low) and (high is None or v <= high)


def text(longest=None):
    return lambda v: isinstance(v, str) and (longest is None or len(v.encode("utf-16-be", "surrogatepass")) // 2 <= longest)


def pattern(expression):
    return lambda v: isinstance(v, str) and re.fullmatch(expression, v, re.A) is not None


def time(v):
    if not isinstance(v, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", v, re.A):
        return False
    try:
        datetime.strptime(v, "%Y-%m-%dT%H:%M:%S.%fZ")
        return True
    except ValueError:
        return v[:4] == "0000"


def one_of(*values):
    return lambda v: isinstance(v, str) and v in values


def nullable(shape):
    return lambda v: v is None or shape(v)


def array(shape):
    return lambda v: isinstance(v, list) and all(map(shape, v))


class Optional:
    def __init__(self, shape):
        self.shape = shape


def obj(**members):
    def check(v):
        if not isinstance(v, dict) or any(name not in members for name in v):
            return False
        for name, shape in members.items():
            if isinstance(shape, Optional):
                if name in v and not shape.shape(v[name]):
                    return False
            elif name not in v or not shape(v[name]):
                return False
        return True
    return check


anything = lambda v: True
boolean = lambda v: isinstance(v, bool)
hex64 = pattern(r"[0-9a-f]{64}")
hex128 = pattern(r"[0-9a-f]{128}")
count = integer(0)
commitment = obj(**{"$commitment": hex64})
channel = one_of("page", "cli", "slack")
method = one_of("code", "oidc", "slack", "iam")
CHECKS = array(obj(
    name=one_of("brake", "schema", "duplicate", "limits", "freshness", "cross-references", "dependencies", "plan", "outbound", "preview", "budget", "policy"),
    result=one_of("passed", "failed", "skipped"), detail=text(500)))
DATA_CLASS = Optional(one_of("public", "internal", "personal", "financial"))
MODEL = dict(model=text(), prompt_tokens=count, completion_tokens=count, cost_micro_usd=count, latency_ms=count, context_hash=hex64)

EVENTS = {
    "RunStarted": obj(requester=text(), agent=text(), model=text(), contract_version=integer(1), contract_hash=hex64, policy_set_hash=hex64,
                      stage=text(), autonomy=one_of("observe", "approve-all", "routine", "bounded"), reference=nullable(text()), input=anything,
                      input_hash=hex64, budget_micro_usd=count, expires_at=time, checks=CHECKS, data_class=DATA_CLASS),
    "RunRefused": obj(requester=text(), code=text(), reason=text(), checks=CHECKS, data_class=DATA_CLASS),
    "ActionProposed": obj(turn=count, tool=text(), tool_schema_hash=hex64, contract_hash=hex64, args=anything, args_hash=hex64,
                          confidence_percent=integer(0, 100), rationale=nullable(commitment), **MODEL),
    "FinishProposed": obj(turn=count, outcome=text(), summary=nullable(commitment), **MODEL),
    "ProposalInvalid": obj(turn=count, reason=one_of("prose", "unknown-tool", "bad-arguments", "several-actions", "empty", "too-large",
                                                     "unknown-outcome", "malformed", "model-error"),
                           detail=text(500), excerpt=nullable(commitment), **MODEL),
    "ActionDecided": obj(turn=count, tool=text(), args_hash=hex64, decision=one_of("permit", "ask", "deny", "recommend"),
                         tier=nullable(integer(0, 2)), approvals=integer(0, 2), checks=CHECKS,
                         policy=nullable(obj(set_hash=hex64, determining=array(text()), denied_by=array(text()), errors=array(text()),
                                             context=anything, resource=anything)),
                         preview_hash=nullable(hex64), preview=Optional(obj(before=anything, after=anything, notes=anything)),
                         reasons=array(text())),
    "ApprovalRequested": obj(turn=count, approval_id=text(), type=text(), policies=array(text()), action_hash=hex64, view_hash=hex64,
                             needed=integer(1, 2), approvers=array(text()), typed_confirmation=boolean, deadline=time,
                             preview_hash=nullable(hex64), sign_in=Optional(one_of("code", "required")), round=Optional(integer(1, 1000)),
                             escalation=Optional(array(obj(at=time, people=array(text())))), delegates=Optional(array(text()))),
    "ApprovalDecided": obj(turn=count, approval_id=text(), approver=text(), decision=one_of("approve", "reject"), channel=channel,
                           method=Optional(method), subject=Optional(text(2048)), comment=text(2000), decided_at=time, opened_at=Optional(time), action_hash=hex64,
                           policy_set_hash=hex64, view_hash=hex64),
    "ApprovalExpired": obj(turn=count, approval_id=text(), deadline=time),
    "ActionEdited": obj(turn=count, round=integer(1), approval_id=text(), editor=text(), channel=channel, method=method, edited_at=time,
                        args=anything, args_hash=hex64),
    "ApprovalNoted": obj(turn=count, approval_id=text(), kind=one_of("question", "answer", "delegation", "reminder", "escalation", "refusal", "code"),
                         by=text(), to=nullable(text()), at=time, channel=nullable(channel), text=nullable(commitment), code=nullable(text())),
    "ApprovalVoided": obj(turn=count, approval_id=text(), reason=text()),
    "ActionPermitted": obj(turn=count, tool=text(), args_hash=hex64, action_hash=hex64, idempotency_key=text(), not_after=time),
    "ToolReturned": obj(turn=count, tool=text(), args_hash=hex64, status=one_of("ok", "error", "unknown"), output=anything,
                        output_hash=nullable(hex64), error=nullable(obj(code=text(), retryable=boolean, message=nullable(commitment))),
                        effect_possible=boolean, untrusted=boolean, latency_ms=count, attempts=count),
    "RunClosed": obj(outcome=obj(status=text(), reason=text()), closed_by=one_of("gate", "close-run"), turns=count, tool_calls=count,
                     spent_micro_usd=count),
}
one = lambda v: is_int(v) and v == 1
RUN = dict(workflow=text(), tenant=text(), run_id=text())
SIGNED = dict(key=hex64, hash=hex64, signature=hex128)
FILE = obj(key=text(), sha256=hex64)
ENVELOPE = obj(v=one, seq=integer(1), at=time, step=text(), type=text(), data=anything, prev=hex64, hash=hex64, **RUN)
CHECKPOINT = obj(v=one, type=text(), seq=integer(1), head=hex64, closed=boolean, at=time, prev=hex64, events=FILE, **{"from": integer(1)}, **RUN, **SIGNED)
ENTRY = obj(seq=integer(1), head=hex64, closed=boolean, checkpoint=hex64, files=lambda v: isinstance(v, list) and len(v) == 2 and all(map(FILE, v)), **{"from": integer(1)}, **RUN)
DIGEST = obj(v=one, type=text(), stage=text(), n=integer(1), at=time, entries=array(ENTRY), open=array(obj(seq=count, head=hex64, fault=nullable(text()), **RUN)),
             workflows=array(text()), through=time, prev=hex64, prev_signature=hex128, **{"from": time}, **SIGNED)
MANIFEST = obj(v=one, type=text(), hash=hex64, digests=Optional(count), complete=Optional(boolean),
               runs=array(obj(run=text(), events=integer(1), head=hex64, checkpoint=Optional(nullable(hex64)))))


# ---- what must hold within a run ---------------------------------------------------------------------------------------------------

def person(name):
    return unicodedata.normalize("NFKC", name).strip().lower()


def same_person(requester, approver):
    return person(approver) in (person(requester), person(requester[requester.rfind("/") + 1:]))


class Rules:
    def __init__(self):
        self.started = self.ended = self.proposed = self.decided = self.requested = self.open = self.refused_turn = None
        self.approvers, self.handed = set(), []
        self.permits = self.proposals = self.spent = self.permitted_turn = 0
        self.begun = False

    def check(self, event):
        if self.ended:
            return "CS-5121"
        kind, data = event["type"], event["data"]
        begins = kind in ("RunStarted", "RunRefused")
        first, self.begun = not self.begun, True
        if begins != first:
            return "CS-5120"
        return getattr(self, kind)(event, data)

    def RunStarted(self, event, data):
        self.started = event
        return self.same(data["input"], data["input_hash"])

    def RunRefused(self, event, data):
        self.ended = True

    def proposal(self, data):
        self.proposals += 1
        self.spent += data["cost_micro_usd"]

    def ActionProposed(self, event, data):
        self.proposal(data)
        self.proposed = data
        return self.same(data["args"], data["args_hash"])

    def FinishProposed(self, event, data):
        self.proposal(data)

    ProposalInvalid = FinishProposed

    def ActionDecided(self, event, data):
        self.decided = data
        if self.proposed and all(self.proposed[name] == data[name] for name in ("turn", "tool", "args_hash")):
            return None
        return "CS-5123"

    def ApprovalRequested(self, event, data):
        self.requested, self.approvers, self.handed = data, set(), []
        if self.refused_turn == data["turn"] and data.get("round", 0) > 0:
            self.refused_turn = None
        decided = self.decided
        tier = decided["tier"] if decided and decided["tier"] is not None else 2
        if not decided or decided["turn"] != data["turn"] or decided["decision"] != "ask" or data["needed"] < tier:
            return "CS-5123"
        return None if data["action_hash"] == self.action_hash(data["deadline"]) else "CS-5127"

    def about(self, data):
        asked = self.requested
        return asked is not None and asked["turn"] == data["turn"] and asked["approval_id"] == data["approval_id"]

    def ActionEdited(self, event, data):
        if not self.about(data) or data["round"] != self.requested.get("round", 0) + 1:
            return "CS-5126"
        if self.barred(data["editor"], data["edited_at"]):
            return "CS-5126"
        if self.proposed:
            self.proposed = {**self.proposed, "args": data["args"], "args_hash": data["args_hash"]}
        return self.same(data["args"], data["args_hash"])

    def ApprovalNoted(self, event, data):
        if not self.about(data):
            return "CS-5126"
        if data["kind"] in ("reminder", "escalation"):
            asked = self.requested
            named = asked["approvers"] + [one for step in asked.get("escalation", []) for one in step["people"]] + asked.get("delegates", [])
            if not {person(one) for one in (data["to"] or "").split(", ")} <= {person(one) for one in named}:
                return "CS-5126"
        if data["kind"] == "delegation" and data["to"] is not None:
            self.handed.append(data)

    def ApprovalDecided(self, event, data):
        asked = self.requested
        if not self.about(data) or asked["action_hash"] != data["action_hash"] or asked["view_hash"] != data["view_hash"]:
            return "CS-5126"
        weak = asked.get("sign_in") == "required" and data.get("method", "code") == "code"
        who = person(data["approver"])
        if self.barred(data["approver"], data["decided_at"]) or weak or who in self.approvers or data["decided_at"] >= asked["deadline"]:
            return "CS-5126"
        if data["decision"] == "reject":
            self.refused_turn = data["turn"]
        else:
            self.approvers.add(who)

    def barred(self, name, at):
        asked, who = self.requested, person(name)
        handed = [each for each in self.handed if each["at"] <= at]
        listed = asked["approvers"] + [one for step in asked.get("escalation", []) if step["at"] <= at for one in step["people"]]
        listed += [each["to"] for each in handed]
        requester = self.started["data"]["requester"] if self.started else ""
        return who not in map(person, listed) or same_person(requester, name) or any(person(each["by"]) == who for each in handed)

    def ApprovalExpired(self, event, data):
        self.refused_turn = data["turn"]

    ApprovalVoided = ApprovalExpired

    def ActionPermitted(self, event, data):
        decided, was_open = self.decided, self.open is not None
        self.open = data
        self.permits += 1
        used_turn, self.permitted_turn = self.permitted_turn, max(self.permitted_turn, data["turn"])
        if not decided or decided["decision"] != "permit" or any(decided[name] != data[name] for name in ("turn", "tool", "args_hash")):
            return "CS-5124"
        if data["turn"] <= used_turn:
            return "CS-5124"
        if was_open or decided["tier"] is None or any(each["result"] == "failed" for each in decided["checks"]):
            return "CS-5124"
        if not decided["policy"] or decided["policy"]["errors"]:
            return "CS-5124"
        asked = self.requested if self.requested and self.requested["turn"] == data["turn"] else None
        have = len(self.approvers) if asked else 0
        if have < max(decided["tier"], asked["needed"] if asked else 0) or self.refused_turn == data["turn"]:
            return "CS-5125"
        if data["action_hash"] != self.action_hash(asked["deadline"] if asked else data["not_after"]):
            return "CS-5127"
        if asked and data["action_hash"] != asked["action_hash"]:
            return "CS-5127"
        key = "cs_" + hash_json([event["run_id"], f"{jcs(data['turn'])}.proposal", data["args_hash"]])[:40]
        return None if data["idempotency_key"] == key else "CS-5127"

    def ToolReturned(self, event, data):
        permit, self.open = self.open, None
        if not permit or any(permit[name] != data[name] for name in ("turn", "tool", "args_hash")):
            return "CS-5128"
        return None if data["output_hash"] is None else self.same(data["output"], data["output_hash"])

    def RunClosed(self, event, data):
        self.ended = True
        agree = data["turns"] == self.proposals and data["tool_calls"] == self.permits and data["spent_micro_usd"] == self.spent
        return None if agree else "CS-5129"

    @staticmethod
    def same(value, digest):
        return None if hash_json(value) == digest else "CS-5122"

    def action_hash(self, expires_at):
        if not self.started or not self.proposed:
            return None
        data = self.proposed
        return hash_json({"runId": self.started["run_id"], "step": f"{jcs(data['turn'])}.proposal", "tool": data["tool"],
                          "toolSchemaHash": data["tool_schema_hash"], "args": data["args"], "contractHash": data["contract_hash"],
                          "stage": self.started["data"]["stage"], "expiresAt": expires_at})


# ---- a file ------------------------------------------------------------------------------------------------------------------------

class Run:
    def __init__(self):
        self.next, self.head, self.lines, self.valid = 1, ZEROS, 0, 0
        self.broken, self.missing, self.rules = False, set(), Rules()
        self.checkpoint = (0, ZEROS)
        self.started_at = None


# What a line alone says of itself.

def is_event(line, value):
    return ENVELOPE(value) and value["type"] in EVENTS and EVENTS[value["type"]](value["data"])


def event_fault(line, event):
    if not is_canonical(line, event):
        return "CS-5102"
    return None if sha256(event["prev"] + jcs(without(event, "prev", "hash"))) == event["hash"] else "CS-5103"


def is_statement(line, value, shape):
    return shape(value) and is_canonical(line, value) and hash_json(without(value, "hash", "signature")) == value["hash"]


def name_of(value):
    return f"{value['workflow']}#{value['tenant']}#{value['run_id']}"


class Verifier:
    def __init__(self, keys, complete=None):
        self.keys = {key.fingerprint: key for key in keys} if keys else None
        self.complete = complete
        self.codes, self.runs, self.current, self.manifest, self.ended = [], {}, None, None, False
        self.last, self.digests, self.from_start, self.listed = None, 0, False, {}

    def add(self, line):
        if self.ended:
            return self.codes.append("CS-5109")
        try:
            value = parse(line)
        except (ValueError, RecursionError):
            return self.codes.append("CS-5101")
        kind = value.get("type") if isinstance(value, dict) else None
        if kind == "ExportManifest":
            self.ended = True
            if MANIFEST(value) and is_canonical(line, value) and hash_json(without(value, "hash")) == value["hash"]:
                self.manifest = value
            else:
                self.codes.append("CS-5109")
        elif kind == "Checkpoint":
            self.add_checkpoint(line, value)
        elif kind == "Digest":
            self.add_digest(line, value)
        else:
            self.add_event(line, value)

    def add_event(self, line, event):
        if not is_event(line, event):
            return self.codes.append("CS-5102")
        name = name_of(event)
        if name in self.runs and self.current != name:
            self.codes.append("CS-5106")
        self.current = name
        if self.digests:
            self.codes.append("CS-5106")
        run = self.runs.setdefault(name, Run())
        if event["seq"] == 1 and run.started_at is None:
            run.started_at = event["at"]
        self.record(run, line, event)

    def record(self, run, line, event):
        seq = event["seq"]
        run.lines += 1
        if run.broken:
            if seq in run.missing:
                run.missing.remove(seq)
                self.codes.append("CS-5106")
            elif seq < run.next:
                self.codes.append("CS-5107")
            else:
                run.next = seq + 1
            return
        if seq < run.next:
            return self.codes.append("CS-5107")
        if seq > run.next:
            run.missing = set(range(run.next, min(seq, run.next + 10_000)))
            run.next, run.broken = seq + 1, True
            return self.codes.append("CS-5105")
        run.next += 1
        code = self.chain(run, line, event)
        if code:
            run.broken = True
            return self.codes.append(code)
        run.head = event["hash"]
        code = run.rules.check(event)
        if code:
            self.codes.append(code)
        else:
            run.valid += 1

    def chain(self, run, line, event):
        return event_fault(line, event) or (None if event["prev"] == run.head else "CS-5104")

    def holds(self, line, value, shape, kind):
        if not is_statement(line, value, shape):
            self.codes.append("CS-5160")
            return False
        if self.keys is None:
            return True
        key = self.keys.get(value["key"])
        code = "CS-5162" if key is None else None if key.verify(f"countersign {kind} v1\n{value['hash']}", value["signature"]) else "CS-5161"
        if code:
            self.codes.append(code)
        return code is None

    def add_checkpoint(self, line, value):
        if not self.holds(line, value, CHECKPOINT, "checkpoint"):
            return
        name = name_of(value)
        run = self.runs.get(name)
        if run is None or self.current != name:
            return self.codes.append("CS-5164")
        if run.broken:
            return
        seq, before = run.checkpoint
        if value["prev"] != before or value["from"] != seq + 1:
            self.codes.append("CS-5163")
        elif value["seq"] != run.next - 1 or value["head"] != run.head or value["closed"] != bool(run.rules.ended):
            self.codes.append("CS-5164")
        run.checkpoint = (value["seq"], value["hash"])

    def add_digest(self, line, value):
        if not self.holds(line, value, DIGEST, "digest"):
            return
        self.digests += 1
        before = self.last or {"n": 0, "hash": ZEROS, "signature": ZEROS * 2, "at": "1970-01-01T00:00:00.000Z"}
        continues = value["n"] == before["n"] + 1 and value["prev"] == before["hash"] and value["prev_signature"] == before["signature"] and value["from"] == before["at"]
        if not continues and not (self.last is None and value["n"] > 1):
            self.codes.append("CS-5166")
        if self.last is None:
            self.from_start = value["n"] == 1
        self.last = value
        for entry in value["entries"]:
            name, known = name_of(entry), self.listed.get(name_of(entry))
            if (known or self.from_start) and entry["from"] != (known["seq"] if known else 0) + 1:
                self.codes.append("CS-5168")
            self.listed[name] = {"seq": entry["seq"], "head": entry["head"], "hash": entry["checkpoint"], "closed": entry["closed"]}
        named = set()
        for each in value["open"]:
            name, known = name_of(each), self.listed.get(name_of(each))
            named.add(name)
            if known and (known["seq"] != each["seq"] or known["head"] != each["head"]) or not known and self.from_start and each["seq"] != 0:
                self.codes.append("CS-5168")
            if not known:
                self.listed[name] = {"seq": each["seq"], "head": each["head"], "hash": None, "closed": False}
        self.codes += ["CS-5168" for name, known in self.listed.items() if not known["closed"] and name not in named]

    def finish(self):
        if not self.ended:
            self.codes.append("CS-5108")
        if self.manifest:
            self.compare_manifest(self.manifest)
        if self.complete and not self.digests:
            self.codes.append("CS-5166")
        complete = self.complete if self.complete is not None else bool(self.manifest and self.manifest.get("complete"))
        if complete and self.digests and not self.from_start:
            self.codes.append("CS-5166")
        if self.last and self.from_start:
            for name, run in self.runs.items():
                older = run.started_at is not None and run.started_at < self.last["through"]
                if older and name not in self.listed and name.split("#")[0] in self.last["workflows"]:
                    self.codes.append("CS-5168")
        for name, known in self.listed.items():
            run = self.runs.get(name)
            if run is None:
                if complete and known["seq"] > 0:
                    self.codes.append("CS-5167")
            elif not run.broken:
                seq, made = run.checkpoint
                if seq < known["seq"]:
                    self.codes.append("CS-5167")
                elif seq == known["seq"] and known["hash"] not in (None, made):
                    self.codes.append("CS-5164")
        newer = sum(run.next - 1 - run.checkpoint[0] for run in self.runs.values() if not run.broken and run.checkpoint[0] < run.next - 1)
        return {"ok": not self.codes, "codes": self.codes, "runs": len(self.runs), "records": sum(run.lines for run in self.runs.values()), "newer": newer}

    def compare_manifest(self, manifest):
        names = {entry["run"] for entry in manifest["runs"]}
        self.codes += ["CS-5110" for name in self.runs if name not in names]
        for entry in manifest["runs"]:
            run = self.runs.get(entry["run"])
            if run is None:
                self.codes.append("CS-5110")
                continue
            if run.lines != entry["events"]:
                self.codes.append("CS-5111")
            elif not run.broken and run.head != entry["head"]:
                self.codes.append("CS-5104")
            if not run.broken and "checkpoint" in entry and run.lines == entry["events"]:
                if (run.checkpoint[1] if run.checkpoint[0] else None) != entry["checkpoint"]:
                    self.codes.append("CS-5163")
        order = [name for name in self.runs if name in names]
        expected = [entry["run"] for entry in manifest["runs"] if entry["run"] in self.runs]
        if order != expected[:len(order)]:
            self.codes.append("CS-5106")
        if "digests" in manifest and manifest["digests"] != self.digests:
            self.codes.append("CS-5166")


def verify(path, keys, complete):
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return verify_lines([line.decode("utf-8", "replace") for line in lines], keys, complete)


def verify_lines(lines, keys, complete):
    verifier = Verifier(keys, complete)
    for line in lines:
        verifier.add(line)
    return verifier.finish()


def main(arguments):
    keys, files, complete = [], [], None
    arguments = iter(arguments)
    canonical = False
    for argument in arguments:
        if argument == "--key":
            with open(next(arguments), encoding="utf-8") as file:
                keys.append(Key(file.read()))
        elif argument == "--complete":
            complete = True
        elif argument == "--jcs":
            canonical = True
        else:
            files.append(argument)
    if canonical:
        for path in files:
            with open(path, encoding="utf-8") as file:
                sys.stdout.buffer.write(jcs(parse(file.read())).encode("utf-8") + b"\n")
        return 0
    reports = [verify(path, keys, complete) for path in files]
    for report in reports:
        print(json.dumps(report))
    return 0 if all(report["ok"] for report in reports) else 1


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    sys.exit(main(sys.argv[1:]))

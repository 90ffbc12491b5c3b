"""Shoppers that buy, cancel and look while something is broken, and what they were told.

Each request that changes something carries an idempotency key and is repeated under it until the answer is definite, as a
careful client does. Everything is noted, and `check` holds it against the platform once it is well again: what was
acknowledged is there, each key was served once, and nobody saw an order go back in time.
"""

import collections
import random
import threading
import time
import uuid

import requests

from conftest import FINAL, Problem, wait_for

UNDECIDED = (409, 429, 500, 502, 503, 504)  # ask again under the same key
CANCELLED, RETURNED = "ORDER_STATUS_CANCELLED", "ORDER_STATUS_RETURNED"


class Shopper:
    """One customer with an order in hand at a time. Runs on a thread of its own."""

    def __init__(self, platform, skus, seed):
        self.platform, self.client, self.skus, self.random = platform, platform.shopper(), skus, random.Random(seed)
        self.placed = {}                              # key → order id, as acknowledged
        self.orders = []                              # those ids
        self.open_key = None                          # a key whose answer is not known yet
        self.cancelled = set()                        # orders whose cancellation was acknowledged
        self.returned = set()                         # orders whose return was acknowledged
        self.known = collections.defaultdict(int)     # order id → highest version that it was shown
        self.broken = []                              # promises that were not kept
        self.tries, self.slowest = collections.Counter(), 0.0
        self.pause = 0.0                              # seconds after an order, on average
        self.answers = collections.deque(maxlen=5_000)  # (when, seconds) of the latest

    def shop(self, stop):
        while not stop.is_set():
            try:
                self._buy_one(stop)
                stop.wait(self.pause * self.random.uniform(0.5, 1.5))
            except Exception as e:  # a thread's exception is nobody's: keep it for check()
                self.broken.append(repr(e))
                return

    def _buy_one(self, stop):
        key = self.open_key = str(uuid.uuid4())
        lines = [{"sku": s, "quantity": self.random.randint(1, 3)} for s in self.random.sample(self.skus, self.random.randint(1, 3))]
        method = self.random.choices(["card_ok", "card_declined", "card_lost_answer"], [8, 1, 1])[0]
        order = self._until_definite(stop, "POST", "/v1/orders", {"lines": lines, "currency": "GBP", "paymentMethod": method}, key)
        if order is None:
            return
        self.placed[key], self.open_key = order["id"], None
        self.orders.append(order["id"])
        self._saw(order["id"], order["version"], asked_knowing=0)
        if self.random.random() < 0.2:
            self._cancel(stop, order["id"])
        for _ in range(2):
            looked_at = self.random.choice(self.orders)
            if self._look(looked_at) == "ORDER_STATUS_CONFIRMED" and self.random.random() < 0.05:
                self._give_back(stop, looked_at)

    def _cancel(self, stop, order_id):
        self._change(stop, order_id, "cancel", self.cancelled)

    def _give_back(self, stop, order_id):
        """All of it."""
        self._change(stop, order_id, "return", self.returned)

    def _change(self, stop, order_id, what, acknowledged):
        try:
            answer = self._until_definite(stop, "POST", f"/v1/orders/{order_id}:{what}", {}, str(uuid.uuid4()))
        except Problem as e:
            if e.status != 400:  # too late: it is returned or cancelled already
                raise
            return
        if answer is not None:
            acknowledged.add(order_id)
            self._saw(order_id, answer["version"], asked_knowing=0)

    def _look(self, order_id):
        """Its status, when there is an answer."""
        knowing = self.known[order_id]
        try:
            order = self.ask("GET", f"/v1/orders/{order_id}")
        except Problem as e:
            if e.status == 404:
                self.broken.append(f"order {order_id} was acknowledged and then not found")
            elif e.status not in UNDECIDED:
                raise
        except requests.RequestException:
            pass
        else:
            self._saw(order_id, order["version"], knowing)
            return order["status"]
        return None

    def _saw(self, order_id, version, asked_knowing):
        version = int(version)
        if version < asked_knowing:
            self.broken.append(f"order {order_id} was at version {asked_knowing} and then at {version}")
        self.known[order_id] = max(self.known[order_id], version)

    def _until_definite(self, stop, verb, path, body, key):
        """The answer; None when the run ended before there was one. Other refusals are raised."""
        while True:
            try:
                return self.ask(verb, path, body, {"Idempotency-Key": key})
            except Problem as e:
                if e.status not in UNDECIDED:
                    raise
                self.tries[e.status] += 1
            except requests.RequestException as e:
                self.tries[type(e).__name__] += 1
            if stop.is_set():
                return None
            time.sleep(self.random.uniform(0.05, 0.2))

    def ask(self, verb, path, body=None, headers=None):
        for _ in range(3):  # a clock may jump between a log-in and the use of its token
            begun = time.monotonic()
            try:
                return self.client.call(verb, path, body, headers)
            except Problem as e:
                if e.status != 401:
                    raise
            finally:
                self.slowest = max(self.slowest, time.monotonic() - begun)
                self.answers.append((begun, time.monotonic() - begun))
            self.client = self.platform.again(self.client)  # the token ran out, or its time is not yet
        return self.client.call(verb, path, body, headers)


class Shopping:
    """Some shoppers at once. `with` runs them; afterwards `check` proves what they were promised."""

    def __init__(self, platform, shoppers=4, seed=1):
        self.platform = platform
        operator, skus = platform.operator(), []
        for n in range(6):
            sku = f"F-{uuid.uuid4().hex[:10]}"
            operator.post("/v1/products", {"sku": sku, "name": f"Article {sku}", "prices": [{"currency": "GBP", "minorUnits": 700 + n}], "onSale": True})
            operator.post(f"/v1/stock/{sku}:receive", {"quantity": 1_000_000, "reference": "first " + sku})
            skus.append(sku)
        self.shoppers = [Shopper(platform, skus, seed * 100 + n) for n in range(shoppers)]
        self._stop, self._threads = threading.Event(), []

    def __enter__(self):
        self._threads = [threading.Thread(target=s.shop, args=(self._stop,), daemon=True) for s in self.shoppers]
        for t in self._threads:
            t.start()
        self.until(8)
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        for t in self._threads:
            t.join(60)
            assert not t.is_alive(), "a shopper's request was never answered and never timed out"

    def acknowledged(self):
        return sum(len(s.placed) for s in self.shoppers)

    def until(self, more, timeout=60):
        """Waits for so many more acknowledged orders: the platform takes orders."""
        target = self.acknowledged() + more
        wait_for(lambda: self.acknowledged() >= target or any(s.broken for s in self.shoppers), timeout)

    def check(self, timeout=90):
        problems = self.problems(timeout)
        assert not problems, "\n".join(problems[:20])
        self.platform.verified()

    def problems(self, timeout=90):
        """Promises that were not kept, once every order is final."""
        out = [b for s in self.shoppers for b in s.broken]
        for s in self.shoppers:
            out += self._check_one(s, timeout)
        return out

    def _check_one(self, s, timeout):
        orders = wait_for(lambda: self._settled(s), timeout, 0.2)
        missing = [f"order {o} was acknowledged and is not there" for o in s.placed.values() if o not in orders]
        undone = [f"order {o} was cancelled and is {orders[o]['status']}" for o in s.cancelled if o in orders and orders[o]["status"] != CANCELLED]
        undone += [f"order {o} was given back and is {orders[o]['status']}" for o in s.returned if o in orders and orders[o]["status"] != RETURNED]
        back = [f"order {o} was at version {v} and is at {orders[o]['version']}" for o, v in s.known.items() if o in orders and int(orders[o]["version"]) < v]
        extra = set(orders) - set(s.placed.values())
        doubled = []
        if len(extra) > (1 if s.open_key else 0) or len(set(s.placed.values())) != len(s.placed):
            doubled = [f"{len(s.placed)} keys of {s.client.email} became {len(orders)} orders"]
        return missing + undone + back + doubled

    def _settled(self, s):
        """All orders of a shopper once each is final; nothing while one is not."""
        orders, token = {}, ""
        try:
            while True:
                page = s.ask("GET", f"/v1/orders?pageSize=200&pageToken={token}")
                for o in page.get("orders", []):
                    orders[o["id"]] = o
                token = page.get("nextPageToken", "")
                if not token:
                    break
            for o in s.placed.values():  # lists are read models, and lag; one order is never older than it was shown
                if o not in orders or int(orders[o]["version"]) < s.known[o]:
                    orders[o] = s.ask("GET", f"/v1/orders/{o}")
        except (Problem, requests.RequestException):
            return None
        return orders if orders and all(o["status"] in FINAL for o in orders.values()) else None

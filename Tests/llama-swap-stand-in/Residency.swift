/// Which models are loaded, which are on their way in or out, and who waits for what: events and the time in, actions
/// out. It performs nothing; `Supervisor` does.
///
/// The rules are llama-swap's. A model may be loaded beside others only where one set of the matrix holds all of them;
/// a load evicts the cheapest models that make room; a model in no set runs alone; a model that answers a request is
/// not evicted before the request is over.
package struct Residency: Sendable {
    /// What a loaded (or loading, or leaving) model is doing. A model that is none of these is stopped.
    package enum State: String, Sendable {
        case starting, ready, stopping
    }

    package enum Refusal: Equatable, Sendable {
        case tooManyRequests
        case unloaded
        /// Why the model did not come up, in llama-swap's words.
        case startFailed(String)
    }

    package enum Action: Equatable, Sendable {
        /// Run the model's command and report `healthy`, `timedOut` or `exited`.
        case start(String)
        /// End the model's process and report `exited`.
        case stop(String)
        /// Pass this request on to its model, which is ready.
        case serve(Int)
        case refuse(Int, Refusal)
        /// A state changed: tell whoever follows the events.
        case announce
    }

    /// The matrix: sets of models that may be loaded together, and what it costs to evict each (1 where not listed).
    package struct Matrix: Sendable {
        package var sets: [Set<String>]
        package var costs: [String: Int]

        package init(sets: [Set<String>], costs: [String: Int]) {
            self.sets = sets
            self.costs = costs
        }

        /// The models of `running` that must go before `target` can be loaded: the cheapest choice, the first of equals.
        package func evictions(for target: String, running: [String]) -> [String] {
            var best: (cost: Int, evict: [String])?
            for set in sets where set.contains(target) {
                let evict = running.filter { !set.contains($0) }
                let cost = evict.reduce(0) { $0 + (costs[$1] ?? 1) }
                if cost < best?.cost ?? .max { best = (cost, evict) }
            }
            return best?.evict ?? running
        }
    }

    private struct Waiter: Sendable {
        var request: Int
        var model: String
    }

    private let matrix: Matrix
    private let idleLimits: [String: Duration]
    private let limit: Int
    private var states: [String: State] = [:]
    /// Loads under way: the target, and the models that must be gone before it starts (empty once it has started).
    private var loads: [String: Set<String>] = [:]
    private var queue: [Waiter] = []
    private var serving: [Int: String] = [:]
    private var lastUse: [String: Duration] = [:]

    /// - Parameters:
    ///   - idleLimits: per model, the time without a request after which it is unloaded; none keeps it.
    ///   - limit: requests per model, waiting and served together; one more is refused. llama-swap's own default is 10.
    package init(matrix: Matrix, idleLimits: [String: Duration] = [:], limit: Int = 10) {
        self.matrix = matrix
        self.idleLimits = idleLimits
        self.limit = limit
    }

    /// The models that are not stopped, with their states.
    package var resident: [String: State] { states }

    package mutating func arrived(_ request: Int, for model: String, at now: Duration) -> [Action] {
        let held = queue.count { $0.model == model } + serving.values.count { $0 == model }
        guard held < limit else { return [.refuse(request, .tooManyRequests)] }
        return announcing { residency, actions in
            residency.queue.append(Waiter(request: request, model: model))
            residency.settle(at: now, &actions)
        }
    }

    /// The request is over: answered, failed, or its client left.
    package mutating func finished(_ request: Int, at now: Duration) -> [Action] {
        announcing { residency, actions in
            residency.queue.removeAll { $0.request == request }
            if let model = residency.serving.removeValue(forKey: request) { residency.lastUse[model] = now }
            residency.settle(at: now, &actions)
        }
    }

    package mutating func healthy(_ model: String, at now: Duration) -> [Action] {
        guard states[model] == .starting else { return [] }
        return announcing { residency, actions in
            residency.states[model] = .ready
            residency.loads[model] = nil
            residency.lastUse[model] = now
            residency.settle(at: now, &actions)
        }
    }

    /// The model's process did not become healthy in time.
    package mutating func timedOut(_ model: String, after limit: String, at now: Duration) -> [Action] {
        guard states[model] == .starting else { return [] }
        return announcing { residency, actions in
            residency.fail(model, .startFailed("health check timed out after \(limit)"), &actions)
            residency.stop(model, &actions)
            residency.settle(at: now, &actions)
        }
    }

    /// The model's process is gone, asked for or not.
    package mutating func exited(_ model: String, at now: Duration) -> [Action] {
        announcing { residency, actions in
            let state = residency.states.removeValue(forKey: model)
            if state == .starting {
                residency.fail(model, .startFailed("upstream command exited prematurely"), &actions)
            }
            for target in residency.loads.keys.sorted() {
                guard residency.loads[target]?.remove(model) != nil else { continue }
                residency.startIfClear(target, &actions)
            }
            residency.settle(at: now, &actions)
        }
    }

    /// Stops models at once, requests in flight or not; whoever waits for one is refused.
    package mutating func unload(_ models: [String], at now: Duration) -> [Action] {
        announcing { residency, actions in
            for model in models.sorted() {
                residency.fail(model, .unloaded, &actions)
                residency.stop(model, &actions)
            }
            residency.settle(at: now, &actions)
        }
    }

    /// Unloads what has been idle for longer than its limit.
    package mutating func tick(at now: Duration) -> [Action] {
        announcing { residency, actions in
            for (model, idle) in residency.idleLimits.sorted(by: { $0.key < $1.key })
            where residency.states[model] == .ready && !residency.isBusy(model) {
                if let last = residency.lastUse[model], now - last >= idle { residency.stop(model, &actions) }
            }
        }
    }

    private mutating func announcing(_ change: (inout Residency, inout [Action]) -> Void) -> [Action] {
        let before = states
        var actions: [Action] = []
        change(&self, &actions)
        if states != before { actions.append(.announce) }
        return actions
    }

    /// Walks the waiting requests in their order of arrival and lets each go as far as it can.
    private mutating func settle(at now: Duration, _ actions: inout [Action]) {
        var waiting: [Waiter] = []
        for waiter in queue {
            let model = waiter.model
            // 1. Ready: serve. (A model that is being evicted is no longer `ready`.)
            if states[model] == .ready {
                serving[waiter.request] = model
                lastUse[model] = now
                actions.append(.serve(waiter.request))
                continue
            }
            waiting.append(waiter)
            // 2. A load of this model is under way: the request waits for it.
            if loads[model] != nil { continue }
            let running = Set(states.keys).union(loads.keys).subtracting([model]).sorted()
            let evict = matrix.evictions(for: model, running: running)
            // 3. It would evict a model that is being loaded, or a load already evicts this one or one of the same.
            if evict.contains(where: { loads[$0] != nil }) { continue }
            if loads.values.contains(where: { $0.contains(model) || !$0.isDisjoint(with: evict) }) { continue }
            // 4. It would evict a model that is answering.
            if evict.contains(where: isBusy) { continue }
            // 5. Load it, once the evicted models (and its own old process) are gone.
            var leaving = Set(evict)
            if states[model] != nil { leaving.insert(model) }
            for victim in evict { stop(victim, &actions) }
            loads[model] = leaving
            startIfClear(model, &actions)
        }
        queue = waiting
    }

    private func isBusy(_ model: String) -> Bool { serving.values.contains(model) }

    private mutating func startIfClear(_ model: String, _ actions: inout [Action]) {
        guard loads[model]?.isEmpty == true, states[model] == nil else { return }
        states[model] = .starting
        actions.append(.start(model))
    }

    private mutating func stop(_ model: String, _ actions: inout [Action]) {
        guard let state = states[model], state != .stopping else { return }
        states[model] = .stopping
        actions.append(.stop(model))
    }

    private mutating func fail(_ model: String, _ refusal: Refusal, _ actions: inout [Action]) {
        loads[model] = nil
        for waiter in queue where waiter.model == model { actions.append(.refuse(waiter.request, refusal)) }
        queue.removeAll { $0.model == model }
    }
}

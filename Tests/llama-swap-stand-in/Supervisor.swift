import Foundation
import NIOCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Performs what `Residency` decides: starts and ends llama-servers, watches their health, keeps the clock, and tells
/// requests and followers of the events. It lives on one event loop and is touched nowhere else.
final class Supervisor {
    enum Decision {
        case serve(port: Int)
        case refuse(Residency.Refusal)
    }

    /// What followers are told.
    enum News {
        case states
        /// A line of the log.
        case line(String)
    }

    let configuration: Configuration
    let loop: any EventLoop
    private let log: String
    private var residency: Residency
    private var children: [String: ChildProcess] = [:]
    private var requests: [Int: (model: String, decide: (Decision) -> Void)] = [:]
    private var followers: [Int: (News) -> Void] = [:]
    private var unloading: [(models: Set<String>, done: () -> Void)] = []
    private var lastNumber = 0
    private var idleCheck: Ticker?
    private var isEnding = false
    private let birth = ContinuousClock.now

    /// - Parameter log: the file for the children's output.
    init(_ configuration: Configuration, loop: any EventLoop, log: String) {
        self.configuration = configuration
        self.loop = loop
        self.log = log
        let limits = configuration.models.filter { $0.ttl > 0 }.map { ($0.id, Duration.seconds($0.ttl)) }
        residency = Residency(matrix: configuration.matrix, idleLimits: Dictionary(uniqueKeysWithValues: limits))
    }

    /// Loads what is to be loaded at the start, one after the other, and begins to look for idle models.
    func begin() {
        preload(configuration.preload[...])
        idleCheck = Ticker(every: .milliseconds(200), on: loop) { self.perform(self.residency.tick(at: self.now)) }
    }

    private func preload(_ models: ArraySlice<String>) {
        guard let model = models.first, !isEnding else { return }
        say("preloading model: \(model)")
        var number = 0
        number = request(model) { decision in
            if case .refuse(let refusal) = decision { self.say("failed to preload model \(model): \(refusal)") }
            self.loop.assumeIsolated().execute {
                self.finished(number)
                self.preload(models.dropFirst())
            }
        }
    }

    /// The states of the models that are not stopped.
    var resident: [String: Residency.State] { residency.resident }

    /// Asks for a model; `decide` is called once, maybe before this returns. The number is for `finished`.
    func request(_ model: String, _ decide: @escaping (Decision) -> Void) -> Int {
        lastNumber += 1
        let number = lastNumber
        requests[number] = (model, decide)
        // Not in this turn: the caller must know the number before the decision comes.
        loop.assumeIsolated().execute {
            guard self.requests[number] != nil else { return }
            if self.isEnding {
                return self.perform([.refuse(number, .startFailed("matrix is shutting down"))])
            }
            self.perform(self.residency.arrived(number, for: model, at: self.now))
        }
        return number
    }

    func finished(_ number: Int) {
        requests[number] = nil
        perform(residency.finished(number, at: now))
    }

    /// Stops every model and starts none again.
    func end(done: @escaping () -> Void) {
        isEnding = true
        unload(configuration.models.map(\.id), done: done)
    }

    /// Stops these models and calls `done` when their processes are gone.
    func unload(_ models: [String], done: @escaping () -> Void) {
        unloading.append((Set(models), done))
        perform(residency.unload(models, at: now))
        reportUnloaded()
    }

    func follow(_ told: @escaping (News) -> Void) -> Int {
        lastNumber += 1
        followers[lastNumber] = told
        return lastNumber
    }

    /// Writes no log of requests, but tells followers what stands in llama-swap's.
    func answered(_ method: String, _ uri: String) { tell(.line("[INFO] Request \"\(method) \(uri)\"\n")) }

    private func tell(_ news: News) {
        for (_, told) in followers.sorted(by: { $0.key < $1.key }) { told(news) }
    }

    func unfollow(_ number: Int) { followers[number] = nil }

    private var now: Duration { ContinuousClock.now - birth }

    private func perform(_ actions: [Residency.Action]) {
        for action in actions {
            switch action {
            case .start(let model): start(model)
            case .stop(let model): stop(model)
            case .serve(let number):
                guard let request = requests[number], let model = configuration.model(request.model) else { continue }
                request.decide(.serve(port: model.port))
            case .refuse(let number, let refusal):
                requests.removeValue(forKey: number)?.decide(.refuse(refusal))
            case .announce:
                tell(.states)
                reportUnloaded()
            }
        }
    }

    private func start(_ id: String) {
        guard let model = configuration.model(id) else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        do {
            let child = try ChildProcess(words: model.words, log: log) {
                loop.execute { bound.value.exited(id) }
            }
            children[id] = child
            say("<\(id)> starting, pid \(child.pid), port \(model.port)")
            let deadline = NIODeadline.now() + .seconds(Int64(configuration.healthCheckTimeout))
            checkHealth(of: model, pid: child.pid, until: deadline)
        } catch {
            say("<\(id)> \(error)")
            loop.execute { bound.value.exited(id) }
        }
    }

    private func checkHealth(of model: Configuration.Model, pid: pid_t, until deadline: NIODeadline) {
        guard children[model.id]?.pid == pid, residency.resident[model.id] == .starting else { return }
        if NIODeadline.now() > deadline {
            let limit = "\(configuration.healthCheckTimeout)s"
            say("<\(model.id)> not healthy within \(limit)")
            return perform(residency.timedOut(model.id, after: limit, at: now))
        }
        UpstreamExchange.status(of: "/health", port: model.port, on: loop) { status in
            if status == 200 {
                guard self.children[model.id]?.pid == pid else { return }
                self.say("<\(model.id)> ready")
                self.perform(self.residency.healthy(model.id, at: self.now))
            } else {
                self.loop.assumeIsolated().scheduleTask(in: .milliseconds(50)) {
                    self.checkHealth(of: model, pid: pid, until: deadline)
                }
            }
        }
    }

    private func stop(_ id: String) {
        guard let child = children[id] else { return }
        say("<\(id)> stopping")
        child.signal(SIGTERM)
        loop.assumeIsolated().scheduleTask(in: .seconds(5)) {
            if self.children[id]?.pid == child.pid { child.signal(SIGKILL) }
        }
    }

    private func exited(_ id: String) {
        say("<\(id)> gone")
        children[id] = nil
        perform(residency.exited(id, at: now))
    }

    private func reportUnloaded() {
        let finished = unloading.filter { $0.models.isDisjoint(with: residency.resident.keys) }
        unloading.removeAll { $0.models.isDisjoint(with: residency.resident.keys) }
        for entry in finished { entry.done() }
    }

    private func say(_ text: String) { Log.say(text) }
}

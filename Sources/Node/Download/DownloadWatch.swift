import Cluster
import Foundation
import Synchronization

/// Looks after downloads until all have ended, and shows how far they are.
struct DownloadWatch: Sendable {
    let cache: WeightsCache
    let table: any ProcessTable
    let console: any Console
    let hub: HubClient

    /// What Hugging Face says of the files, once it has said it.
    private final class Facts: Sendable {
        private let models = Mutex<[Int: HubModel]>([:])

        subscript(_ index: Int) -> HubModel? {
            get { models.withLock { $0[index] } }
            set { models.withLock { $0[index] = newValue } }
        }
    }

    /// - Throws: ``StackFailure`` that names those which failed; `CancellationError` when the task is cancelled: they
    ///   go on then.
    func run(_ running: [ModelDownloader.Running]) async throws {
        let facts = Facts()
        // Nobody waits for the answers: without them the sizes in models.ini have to do.
        async let _: Void = ask(running, into: facts)
        try await watch(running, facts)
    }

    private func ask(_ running: [ModelDownloader.Running], into facts: Facts) async {
        for (index, one) in running.enumerated() where !Task.isCancelled {
            if case .model(let model) = await hub.ask(one.download.weights) { facts[index] = model }
        }
    }

    private func watch(_ running: [ModelDownloader.Running], _ facts: Facts) async throws {
        var board = DownloadBoard(running.map(\.download.title))
        var waiting = Array(running.indices)
        var failures: [(ModelDownloader.Running, ChildExit)] = []
        let start = ContinuousClock.now
        while true {
            waiting.removeAll { index in
                let one = running[index]
                guard let exit = ended(one) else { return false }
                let found = cache.find(one.download.weights)
                if one.isOurs ? exit == .exited(0) : found != nil {
                    console.say(board.done(index, bytes: found?.bytes))
                } else {
                    console.say(board.failed(index, exit, log: one.log))
                    failures.append((one, exit))
                }
                return true
            }
            guard !waiting.isEmpty else { break }
            let now = (ContinuousClock.now - start) / .seconds(1)
            for index in waiting { note(index, waiting.map { running[$0] }, running[index], facts, &board, at: now) }
            let lines = console.terminal.map { board.bars(on: $0) } ?? board.news(at: now)
            if !lines.isEmpty { console.progress(lines) }
            do { try await Task.sleep(for: .milliseconds(200)) } catch {
                // What was drawn last stays above what the command says of its end.
                if let terminal = console.terminal { board.bars(on: terminal).forEach(console.say) }
                throw error
            }
        }
        guard let (first, exit) = failures.first else { return }
        let names = failures.map { "\($0.0.download.tier) (\($0.0.download.weights.file))" }
        throw StackFailure(
            "not fetched: \(names.joined(separator: ", ")); \(exit)", evidence: first.tail.lines(5),
            advice: "next: read \(first.log), then run llmstack download again; what has arrived is kept")
    }

    private func note(
        _ index: Int, _ waiting: [ModelDownloader.Running], _ one: ModelDownloader.Running, _ facts: Facts,
        _ board: inout DownloadBoard, at now: Double
    ) {
        let weights = one.download.weights
        if cache.find(weights) != nil { return board.arrived(index) }
        let model = facts[index]
        let isAlone = waiting.count { $0.download.weights.repo == weights.repo } == 1
        let estimate = weights.sizeGB > 0 ? Int64(min(weights.sizeGB, 1e6) * 1e9) : nil
        board.note(
            index, count: cache.arrived(weights, blobs: model?.blobs, isAlone: isAlone),
            total: model?.fileBytes ?? estimate, isEstimate: model?.fileBytes == nil, at: now)
    }

    private func ended(_ one: ModelDownloader.Running) -> ChildExit? {
        if one.isOurs { return ChildExit.poll(one.process.pid) }
        return table.isAlive(one.process) ? nil : .unknown
    }
}

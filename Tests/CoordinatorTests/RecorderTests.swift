import Cluster
import Coordinator
import Foundation
import RouterHarness
import Testing

/// What a router's machines are fed, to a file and back.
struct RecorderTests {
    /// A folder for a record; it goes with this.
    private final class Folder {
        let url = FileManager.default.temporaryDirectory.appending(path: "record-\(UUID().uuidString)")
        var file: String { url.appending(path: "record.jsonl").path }

        init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

        func content(_ suffix: String = "") -> Data? { try? Data(contentsOf: URL(filePath: file + suffix)) }

        deinit { try? FileManager.default.removeItem(at: url) }

        func events(_ suffix: String = "") throws -> [RecordedEvent] {
            let decoder = JSONDecoder()
            decoder.nonConformingFloatDecodingStrategy = .convertFromString(
                positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
            let lines = try Data(contentsOf: URL(filePath: file + suffix)).split(separator: UInt8(ascii: "\n"))
            let header = try decoder.decode(RecordHeader.self, from: try #require(lines.first))
            #expect(header.llmstackRecord == RecordHeader.version)
            return try lines.dropFirst().map { try decoder.decode(RecordedEvent.self, from: $0) }
        }
    }

    /// A router whose own host has `plan`, and a monitor that watches another node, which has `plan` and `big`.
    private static func run(
        _ recorder: Recorder, _ body: (_ ask: (String) async throws -> Void, ScriptedNode) async throws -> Void
    ) async throws {
        let (own, other) = (ScriptedNode("desk"), ScriptedNode(tiers: ["plan", "big"]))
        let identity = ClusterIdentity(id: ClusterID("cluster0"), name: "team", security: .open)
        func routes(_ node: ScriptedNode, _ book: FleetBook) -> NodeRoutes {
            NodeRoutes(node: node, gate: node, book: book) { Roster(cluster: identity, nodes: []) }
        }
        let book = FleetBook(local: own, recorder: recorder)
        let monitor = MembershipMonitor(
            own: own.description.id, cluster: identity.id, log: .quiet, recorder: recorder
        ) { book.changed($0, $1) }
        book.remember(
            TierSpeed(decodeRate: 40), TierLessons(tokenRatio: 1.5), of: "big", on: NodeID("gone00000000"),
            called: "gone")
        let ini = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).ini")
        defer { try? FileManager.default.removeItem(at: ini) }
        try "[plan]\nhf_repo = a/b\nhf_file = c.gguf\n".write(to: ini, atomically: true, encoding: .utf8)
        let router = try await RunningRouter(ini: ini, profile: .clusterLoopback, node: routes(own, book))
        let there = try await RunningRouter(
            profile: .clusterListener, node: routes(other, FleetBook(local: other)))
        let (news, feed) = AsyncStream.makeStream(of: MembershipMonitor.News.self)
        let watching = Task { await monitor.run(news) }
        let recording = Task { await recorder.run() }
        let place = Place(host: "127.0.0.1", port: there.port)
        feed.yield(.named(place))
        #expect(await eventually { monitor.entries.map(\.state) == ["up"] })
        try await body(
            { model in
                let body = #"{"model":"\#(model)","messages":[{"role":"user","content":"MY SECRET IS 42"}]}"#
                let text = RequestText.post("/v1/chat/completions", body)
                _ = try await onThread { try router.replies(to: [text]) }
            }, other)
        await there.stop()
        #expect(await eventually { monitor.entries.map(\.state) == ["down"] })
        feed.yield(.forgotten(place))
        #expect(await eventually { monitor.entries.isEmpty })
        feed.finish()
        await watching.value
        await router.stop()
        recording.cancel()
        await recording.value
    }

    /// - Returns: what each line came to.
    private static func replay(_ events: [RecordedEvent]) throws -> (Replay, [Replay.Step]) {
        var replay = Replay()
        let steps = try events.map { try replay.take($0) }
        return (replay, steps)
    }

    @Test func aReplayDecidesWhatTheRouterDid() async throws {
        let folder = try Folder()
        try await Self.run(Recorder(path: folder.file, log: .quiet)) { ask, other in
            for model in ["plan", "big", "auto", "nobody-has-this"] { try await ask(model) }
            other.change { $0.tiers[1].busy = 1 }
            try await ask("big")
        }
        let (replay, steps) = try Self.replay(try folder.events())
        #expect(replay.skipped == 0 && replay.missing == 0)
        let changes = steps.flatMap { if case .judged(let actions) = $0 { actions.map(\.text) } else { [String]() } }
        #expect(changes.map { $0.prefix { $0 != "(" } }.contains("studio00000000 new -> up "), "\(changes)")
        #expect(changes.contains { $0.hasPrefix("studio00000000 up -> down ") }, "\(changes)")
        #expect(changes.last?.hasPrefix("studio00000000 down -> gone ") == true, "\(changes)")
        let hosts = steps.compactMap { step -> String? in
            guard case .placed(_, let route) = step else { return nil }
            guard case .host(let verdict) = route.decision else { return "\(route.tier) -" }
            return "\(route.tier) \(verdict.name)"
        }
        #expect(hosts.contains("plan desk") && hosts.contains("big studio"), "\(hosts)")
        #expect(replay.decisions >= changes.count + hosts.count)
        #expect(replay.membership?.members.isEmpty == true)

        let text = try String(contentsOfFile: folder.file, encoding: .utf8)
        #expect(!text.contains("SECRET") && !text.contains("messages"))
        let mode = try FileManager.default.attributesOfItem(atPath: folder.file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func aDecisionThatDiffersIsFound() async throws {
        let folder = try Folder()
        try await Self.run(Recorder(path: folder.file, log: .quiet)) { ask, _ in try await ask("big") }
        let events = try folder.events()
        for index in events.indices {
            var changed = events
            switch events[index].what {
            case .input(let input, let then) where !then.isEmpty:
                changed[index].what = .input(input, then: then.dropLast())
            case .choice(let question, let terms, var choice, let isSent):
                choice.host = NodeID("another00000")
                changed[index].what = .choice(question, terms, choice, isSent: isSent)
            case .ended(let tier, let host, let outcome, let isOut):
                changed[index].what = .ended(tier: tier, host, outcome, isOut: !isOut)
            default: continue
            }
            #expect(throws: Replay.Difference.self, "line \(index + 2)") { try Self.replay(changed) }
        }
    }

    @Test func eachFileBeginsWithAllThatIsKnown() async throws {
        let folder = try Folder()
        try Data("what was there\n".utf8).write(to: URL(filePath: folder.file))
        // Each write fills a file.
        try await Self.run(Recorder(path: folder.file, limit: 1, log: .quiet)) { ask, _ in
            for _ in 1...3 {
                let before = folder.content(".1")
                try await ask("big")
                #expect(await eventually { folder.content(".1") != before })
            }
            let old = try folder.events(".1")
            let (replay, steps) = try Self.replay(old)
            #expect(replay.membership?.members.count == 1, "\(steps)")
            #expect(replay.skipped < old.count)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 2)
    }

    @Test func whatHasNoRoomIsCountedAndPassedOver() throws {
        var events = [
            RecordedEvent(.membership(Membership(own: NodeID("own"), cluster: ClusterID("c")), time: 5), at: 0)
        ]
        events.append(RecordedEvent(.input(.tick, then: []), at: 0.1))
        events.append(RecordedEvent(.missing(7), at: 0))
        events.append(RecordedEvent(.input(.named(Place(host: "a", port: 1)), then: []), at: 0.2))
        let (replay, _) = try Self.replay(events)
        #expect((replay.events, replay.missing, replay.skipped, replay.decisions) == (4, 7, 1, 0))
        #expect(replay.membership == nil)
    }
}

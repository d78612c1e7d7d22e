import Cluster
import Foundation
import Node
import Testing

/// How long is searched and who is asked, without time; and the search itself over scripted networks.
struct RouterSearchTests {
    private static let node = ScriptedNode()
    private static let sighting = node.sighting(["10.0.0.5"])

    private static func live(_ question: RouterSearchState.Question) -> RouterCandidate {
        var candidate = question.candidate
        candidate.state = .live(url: "http://10.0.0.5:10103", roundTrip: .milliseconds(1), isOnLink: true)
        return candidate
    }

    // MARK: The decision

    /// Seconds at which the search is over, after what was heard.
    @Test(
        arguments: [
            // Nothing is found: the whole time.
            ("allForNow", "any", 3.0), ("", "any", 3.0),
            // Found and answered: the first second is waited for. Who takes any waits for all that may come.
            ("found answered allForNow", "any", 3.0), ("allForNow found answered", "studio", 1.0),
            // More may come, or what is wanted has not.
            ("found answered", "any", 3.0), ("found answered allForNow", "lab", 3.0),
            ("found silent allForNow", "any", 3.0), ("found answered lost allForNow", "any", 3.0),
            // A question that is open is waited for, but not for ever.
            ("found allForNow", "any", 3.5), ("found lost allForNow", "any", 3.0),
            // No directory, or a directory that has come to its end.
            ("unavailable", "any", 1.0), ("unavailable ended", "any", 0.0), ("unavailable available", "any", 3.0),
            ("found answered ended", "any", 0.0), ("found ended", "any", 3.5), ("ended", "any", 0.0),
        ] as [(String, String, Double)])
    func `the search is over when looking on is in vain`(_ heard: String, _ wanted: String, _ seconds: Double) {
        var state = RouterSearchState(wanted == "any" ? .any : .name(wanted))
        var question: RouterSearchState.Question?
        for word in heard.split(separator: " ") {
            switch word {
            case "found": question = state.heard(.found(Self.sighting))
            case "answered": if let question { state.answered(question, Self.live(question)) }
            case "silent": if let question { state.answered(question, question.candidate) }
            case "lost": _ = state.heard(.lost(Self.sighting.id))
            case "allForNow": _ = state.heard(.allForNow)
            case "unavailable": _ = state.heard(.unavailable(reason: "gone", fix: "start it"))
            case "available": _ = state.heard(.available)
            default: state.ended()
            }
        }
        #expect(state.isOver(at: .seconds(seconds)))
        if seconds > 0 { #expect(!state.isOver(at: .seconds(seconds) - .milliseconds(1))) }
    }

    @Test func `who is announced anew at another address is asked again, and the old answer is void`() throws {
        var state = RouterSearchState(.any)
        let earlier = state.heard(.found(Self.sighting))
        let first = try #require(earlier)
        let repeated = state.heard(.found(Self.sighting))
        #expect(repeated == nil)
        let later = state.heard(.found(Self.node.sighting(["10.0.0.6"])))
        let second = try #require(later)
        state.answered(first, Self.live(first))
        #expect(state.candidates.map(\.isLive) == [false])
        state.answered(second, Self.live(second))
        #expect(state.candidates.map(\.isLive) == [true])
        let afterwards = state.heard(.found(Self.sighting))
        #expect(afterwards == nil)
    }

    @Test func `records that are none are not asked, and a flood of them is bounded`() {
        var state = RouterSearchState(.any)
        var asked = 0
        for number in 0..<10_000 {
            var sighting = ScriptedNode(name: "node\(number)").sighting(["10.0.0.5"])
            if number % 2 == 0 { sighting.txt = ["v=x", "cid=\u{1b}[31m"] }
            if state.heard(.found(sighting)) != nil { asked += 1 }
        }
        #expect(asked == RouterSearchState.capacity)
        #expect(state.candidates.count == RouterSearchState.capacity)
    }

    @Test func `a node of a newer version is shown and not asked`() {
        var state = RouterSearchState(.any)
        var sighting = Self.sighting
        sighting.txt = ["v=2.1", "id=\(Self.node.id)", "name=studio", "extra=1"]
        let question = state.heard(.found(sighting))
        #expect(question == nil)
        #expect(state.candidates.map(\.state) == [.incompatible(version: "2.1")])
    }

    @Test func `URLs for files never hold a link-local address`() {
        let sighting = RouterSighting(
            id: .init(name: "studio", host: "studio.local"), port: 10103, txt: [],
            addresses: [
                .init("fe80::5", isLinkLocal: true), .init("fd00::5"), .init("10.1.0.5", isOnLink: false),
                .init("169.254.3.4", isLinkLocal: true),
            ])
        #expect(sighting.ways.map(\.url) == ["http://[fd00::5]:10103", "http://10.1.0.5:10103"])
        #expect(sighting.ways.map(\.isOnLink) == [true, false])
        var bare = sighting
        bare.addresses = [.init("fe80::5", isLinkLocal: true)]
        #expect(bare.ways.map(\.url) == ["http://studio.local:10103"])
        bare.id.host = "a b.local"
        #expect(bare.ways.isEmpty)
    }

    // MARK: The search

    @Test func `a node that answers over HTTP is found with what it says itself`() async throws {
        let server = try ScriptedServer { request in
            request.path == "/llmstack/v1/node"
                ? .init(body: Array(ScriptedNode(tiers: ["plan"], isAccepting: false).json.utf8)) : .init(status: 404)
        }
        let port = try #require(URL(string: server.url)?.port)
        let probe = Probe { try await Curl.get($0, timeout: $1, limit: 1 << 20) }
        let search = RouterSearch(
            directory: .scripted([.available, .found(Self.node.sighting(["127.0.0.1"], port: port)), .allForNow]),
            probe: probe, limits: .patient)
        let findings = await search.run(for: .any)
        let found = try #require(findings.candidates.first)
        #expect(findings.candidates.count == 1)
        #expect(found.url == server.url)
        #expect(found.tiers == ["plan"] && !found.isAccepting)
        #expect(findings.interfaces.map(\.name) == ["eth0"])
        if case .live(_, let roundTrip, _) = found.state { #expect(roundTrip > .zero && roundTrip < findings.elapsed) }
    }

    @Test func `tiers that cannot be served now are not shown, nor is a reason of more than a line`() async throws {
        var node = Self.node
        node.absent = ["plan"]
        node.isAccepting = false
        node.reason = "on battery\n\u{1b}[2J"
        let findings = await ScriptedNetwork(["http://10.0.0.5:10103": node]).finder([.found(Self.sighting)]).search(
            for: .any)
        #expect(findings.candidates.map(\.tiers) == [["code-smart"]])
        let table = RouterTable.lines(findings.candidates)
        #expect(table.last?.hasSuffix(", takes no new work: on battery[2J") == true, "\(table)")
    }

    @Test func `another node at the first address does not hide the right one behind it`() async {
        let network = ScriptedNetwork([
            "http://172.17.0.1:10103": ScriptedNode(name: "stranger", cluster: "lab"),
            "http://10.0.0.5:10103": Self.node,
        ])
        let findings = await network.finder([.found(Self.node.sighting(["172.17.0.1", "10.0.0.9", "10.0.0.5"]))])
            .search(
                for: .any)
        #expect(findings.candidates.map(\.url) == ["http://10.0.0.5:10103"])
        #expect(findings.candidates.map(\.clusterName) == ["studio"])
    }

    @Test func `what a node says counts more than what is announced of it`() async {
        var liar = Self.node
        liar.cluster = "lab"
        let network = ScriptedNetwork(["http://10.0.0.5:10103": liar])
        let findings = await network.finder([.found(Self.sighting)]).search(for: .any)
        #expect(findings.candidates.map(\.clusterName) == ["lab"])
        #expect(findings.candidates.map(\.cluster) == [liar.clusterID])
    }

    @Test func `a node whose description is of a newer version is not used`() async {
        var newer = Self.node
        newer.protocolVersion = 2
        let network = ScriptedNetwork(["http://10.0.0.5:10103": newer])
        let findings = await network.finder([.found(Self.sighting)]).search(for: .any)
        #expect(findings.candidates.map(\.state) == [.incompatible(version: "2")])
    }

    @Test func `names that would steer a terminal are shown without effect`() async {
        var rogue = Self.node
        rogue.tiers = ["\u{1b}[2Jplan"]
        var sighting = Self.node.sighting(["10.0.0.5"])
        sighting.id.name = "desk\u{202e}top\u{7}"
        let findings = await ScriptedNetwork(["http://10.0.0.5:10103": rogue]).finder([.found(sighting)]).search(
            for: .any)
        let table = RouterTable.lines(findings.candidates).joined(separator: "\n")
        #expect(!table.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control })
        #expect(!table.contains("\u{202e}"))
    }

    @Test func `thirty-two announcements of one name find each of their nodes`() async {
        let nodes = (0..<32).map { ScriptedNode(name: "node\($0)") }
        let network = ScriptedNetwork(
            Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ("http://10.0.0.\($0 + 1):10103", $1) }))
        let news = nodes.enumerated().map { index, node in
            var sighting = node.sighting(["10.0.0.\(index + 1)"])
            sighting.id.name = "studio"
            return RouterNews.found(sighting)
        }
        let findings = await network.finder(news).search(for: .any)
        #expect(Set(findings.candidates.compactMap(\.url)).count == 32)
    }
}

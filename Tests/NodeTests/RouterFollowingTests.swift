import Cluster
import Foundation
import Node
import Synchronization
import Testing

/// `start` in a project whose router was found by name: what becomes of its files.
struct RouterFollowingTests {
    private static let old = "http://10.0.0.5:10103"
    private static let new = "http://10.0.0.6:10103"
    private static let desktop = ScriptedNode()
    private static let box = ScriptedNode(name: "box")
    private static let stranger = ScriptedNode(name: "gpu", cluster: "lab")

    private final class Listener: Console {
        private let lines = Mutex<[String]>([])
        var text: String { lines.withLock { $0.joined(separator: "\n") } }
        func say(_ line: String) { lines.withLock { $0.append(line) } }
        func warn(_ text: String) { lines.withLock { $0.append(text) } }
        func waiting(for what: String, seconds: Double) {}
    }

    /// A project that was installed when the desktop was at its old address.
    private struct Project {
        let scratch: Scratch
        let work: WorkDirectory
        let environment: [String: String]

        init(preferred: NodeID? = nil) throws {
            scratch = try Scratch()
            environment = ["HOME": "\(scratch.path)/home"]
            work = WorkDirectory(environment: environment, currentDirectory: scratch.path)
            let pin = PinnedRouter(
                cluster: .init(id: desktop.clusterID, name: "studio", security: .open),
                router: .init(id: desktop.id, name: "desktop"), url: old, preferred: preferred)
            let catalog = try Catalog.parse(ScriptedNode.ini, file: "models.ini")
            _ = try ProjectInstall(
                work: work, thinClientOf: old, catalog: catalog, environment: environment, pin: pin
            ).perform()
        }

        var url: String? {
            if case .external(let url)? = work.pinnedChannel { url } else { nil }
        }

        var baseURL: String? {
            scratch.text(".llmstack/opencode.json").flatMap { try? Value.json($0) }?["provider"]?["llama.cpp"]?[
                "options"]?[
                    "baseURL"]?.text
        }

        func follow(_ network: ScriptedNetwork, _ news: [RouterNews]) async throws -> String {
            let listener = Listener()
            try await RouterFollowing(
                work: work, finder: network.finder(news), console: listener, environment: environment
            ).run()
            return listener.text
        }
    }

    @Test func `a router that is where it was changes nothing, and nobody else is asked`() async throws {
        let project = try Project()
        let before = project.scratch.files.map { project.scratch.text($0) }
        let network = ScriptedNetwork([Self.old: Self.desktop])
        let said = try await project.follow(network, [.found(Self.box.sighting(["10.0.0.6"]))])
        #expect(said == "router desktop of the cluster studio")
        #expect(network.requests == ["\(Self.old)/llmstack/v1/node"])
        #expect(project.scratch.files.map { project.scratch.text($0) } == before)
    }

    @Test func `a router that has moved is followed`() async throws {
        let project = try Project()
        let network = ScriptedNetwork([Self.new: Self.desktop])
        let said = try await project.follow(network, [.found(Self.desktop.sighting(["10.0.0.6"]))])
        #expect(project.url == Self.new)
        #expect(project.baseURL == "\(Self.new)/v1")
        #expect(try PinnedRouter.read(project.work)?.url == Self.new)
        #expect(said.contains("has moved: \(Self.old) -> \(Self.new)") && said.contains("opencode.json"), "\(said)")
    }

    @Test func `another router of the cluster takes over, and keeps the place`() async throws {
        let project = try Project()
        let network = ScriptedNetwork([Self.new: Self.box])
        let news = [Self.desktop.sighting(["10.0.0.5"]), Self.box.sighting(["10.0.0.6"])].map { RouterNews.found($0) }
        let said = try await project.follow(network, news)
        #expect(said.contains("router box of the cluster studio takes over from desktop"), "\(said)")
        #expect(try PinnedRouter.read(project.work)?.router.name == "box")
        network.put(Self.desktop, at: Self.old)
        #expect(try await project.follow(network, news) == "router box of the cluster studio")
        #expect(project.baseURL == "\(Self.new)/v1")
    }

    @Test func `a router that was asked for by its name is returned to`() async throws {
        let project = try Project(preferred: Self.desktop.id)
        let network = ScriptedNetwork([Self.new: Self.box])
        let news = [Self.desktop.sighting(["10.0.0.5"]), Self.box.sighting(["10.0.0.6"])].map { RouterNews.found($0) }
        _ = try await project.follow(network, news)
        #expect(project.url == Self.new)
        // Still away: the stand-in stays.
        #expect(try await project.follow(network, news) == "router box of the cluster studio")
        network.put(Self.desktop, at: Self.old)
        _ = try await project.follow(network, news)
        #expect(project.url == Self.old)
        #expect(try PinnedRouter.read(project.work)?.preferred == Self.desktop.id)
    }

    @Test func `nobody there is no error, and leaves the files`() async throws {
        let project = try Project()
        let said = try await project.follow(ScriptedNetwork(), [.allForNow])
        #expect(said.contains("no router of the cluster studio answers here") && said.contains("eth0 (10.0.0.7)"))
        #expect(project.url == Self.old)
    }

    @Test func `a router of another cluster is refused by name`() async throws {
        let project = try Project()
        let network = ScriptedNetwork([Self.old: Self.stranger])
        let failure = await #expect(throws: StackFailure.self) {
            try await project.follow(network, [.found(Self.stranger.sighting(["10.0.0.5"]))])
        }
        #expect(failure?.problem.contains("router gpu of the cluster lab") == true)
        #expect(failure?.problem.contains("the cluster studio") == true)
        #expect(project.url == Self.old)
    }

    @Test func `a stranger at the old address does not keep the right one from being found`() async throws {
        let project = try Project()
        let network = ScriptedNetwork([Self.old: Self.stranger, Self.new: Self.desktop])
        _ = try await project.follow(network, [.found(Self.desktop.sighting(["10.0.0.6"]))])
        #expect(project.url == Self.new)
    }

    @Test func `a damaged router.json is an error with what to do`() async throws {
        let project = try Project()
        try project.scratch.put("{", ".llmstack/router.json")
        let failure = await #expect(throws: StackFailure.self) { try await project.follow(ScriptedNetwork(), []) }
        #expect(failure?.problem.contains("router.json is damaged") == true)
        #expect(failure?.advice.contains("llmstack install --external auto") == true)
    }

    @Test func `a project with a URL is left alone`() async throws {
        let project = try Project()
        try project.scratch.put("external http://10.0.0.9:10101\n", ".llmstack/default-channel")
        let network = ScriptedNetwork([Self.new: Self.desktop])
        #expect(try await project.follow(network, [.found(Self.desktop.sighting(["10.0.0.6"]))]) == "")
        #expect(network.requests.isEmpty)
    }

    @Test func `status names cluster and router, and says when the address has another`() async throws {
        let project = try Project()
        let network = ScriptedNetwork([Self.old: Self.desktop])
        func status() async throws -> StackStatus {
            try await StackInspector(
                work: project.work, blueprint: Blueprint(environment: [:]), table: FakeProcessTable(),
                probe: network.probe, environment: [:]
            ).status()
        }
        #expect(try await status().text.contains("\ncluster: studio, router desktop\n"))
        network.put(Self.stranger, at: Self.old)
        let other = try await status()
        #expect(other.text.contains("a router of the cluster lab now, not of studio"))
        #expect(other.foundRouter?.router == "desktop")
        network.put(nil, at: Self.old)
        #expect(try await status().text.contains("next: llmstack start looks for the cluster studio"))
    }
}

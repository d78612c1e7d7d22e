import Cluster
import Foundation
import Node
import Testing

/// What opencode.json lists on a host in a cluster.
struct ClusterListingTests {
    private static let own = "[solo]\nrole = plan\nhf_repo = a/b\nhf_file = c.gguf"
    private static let shown =
        own + "\n\n; served by studio\n[big]\nrole = plan\nhf_repo = a/b\nhf_file = d.gguf\n"
        + "\n; served by studio\n[quick]\nrole = fast\nhf_repo = a/b\nhf_file = e.gguf\n"

    private struct Silent: Error {}

    @Test(arguments: [
        (200, shown, "shown"), (200, own, "shown"), (200, "[other]\nhf_repo = a/b\nhf_file = c.gguf\n", "another"),
        (200, "; mine\n" + shown, "another"), (404, shown, "silent"), (200, "<html>", "silent"), (0, "", "silent"),
    ])
    func `What a router shows counts where it begins with the project's own file`(
        _ status: Int, _ body: String, _ outcome: String
    ) async throws {
        let probe = Probe { url, timeout in
            #expect(url == "http://127.0.0.1:4/models.ini" && timeout == .seconds(3))
            if status == 0 { throw Silent() }
            return (status, Array(body.utf8))
        }
        switch await ClusterListing.ask("http://127.0.0.1:4", own: Self.own, probe: probe) {
        case .shown(let catalog):
            #expect(outcome == "shown")
            #expect(try catalog == Catalog.parse(body, file: "http://127.0.0.1:4/models.ini"))
        case .another: #expect(outcome == "another")
        case .silent: #expect(outcome == "silent")
        }
    }

    @Test func `opencode json lists what others lend, models ini stays the host's own`() throws {
        let scratch = try Scratch()
        try scratch.put(Self.own, "project/.llmstack/models.ini")
        let environment = ["HOME": "\(scratch.path)/home"]
        let work = WorkDirectory(environment: environment, currentDirectory: "\(scratch.path)/project")
        let install = try ProjectInstall(
            work: work, channel: .current, environment: environment,
            shown: Catalog.parse(Self.shown, file: "models.ini"), shipped: nil)
        _ = try install.perform()
        #expect(scratch.text("project/.llmstack/models.ini") == Self.own)
        let json = try Value.json(try #require(scratch.text("project/.llmstack/opencode.json")))
        for model in ["auto", "solo", "big", "quick"] {
            #expect(json["provider"]?["llama.cpp"]?["models"]?[model] != nil, "\(model)")
        }
        // Its own planner before another's; another's small model where it has none.
        #expect(json["agent"]?["plan"]?["model"]?.text == "llama.cpp/solo")
        #expect(json["small_model"]?.text == "llama.cpp/quick")
        #expect(install.catalog.sections.map(\.name) == ["solo"])
    }
}

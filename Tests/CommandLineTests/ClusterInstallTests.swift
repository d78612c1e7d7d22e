import Foundation
import RouterHarness
import Testing

/// `llmstack install` on a host that is in a cluster.
struct ClusterInstallTests {
    private static let ini = "[solo]\nrole = agent\nhf_repo = a/b\nhf_file = c.gguf\n"

    @Test func whatOthersLendIsListedOnceTheRouterKnowsIt() async throws {
        let (left, right) = try await (RunningHost("left"), RunningHost("right", tier: "big"))
        #expect(try await left.run("cluster", "init", "--open", "--name", "team").code == 0)
        let place = "127.0.0.1:\(left.clusterPort)"
        #expect(await eventually { try await right.run("join", "--open", "team", "--at", place).code == 0 })
        let others = "127.0.0.1:\(right.clusterPort)"
        #expect(try await left.run("nodes", "add", others).code == 0)
        let isListed = await eventually {
            let shown = try await left.run("install", "--print")
            return shown.code == 0 && shown.output.contains("\"big\"") && shown.output.contains("\"code-smart\"")
        }
        #expect(isListed, "left: \(left.said)\nright: \(right.said)")
        let before = left.terminal.snapshot()["my project/.llmstack/models.ini"]
        let installed = try await left.run("install")
        #expect(installed.code == 0 && !installed.output.contains("install again"), "\(installed)")
        let files = left.terminal.snapshot()
        #expect(files["my project/.llmstack/models.ini"] == before)
        let opencode = files.first { $0.key.hasSuffix(".llmstack/opencode.json") }?.value ?? Data()
        #expect(String(decoding: opencode, as: UTF8.self).contains("\"big\""))
        // A thin client sees it all.
        let thin = try Terminal()
        let url = "http://\(place)"
        let client = try await aside { try thin.run(["install", "--external", url, "--print"]) }
        #expect(client.output.contains("\"big\"") && client.output.contains("\"code-smart\""), "\(client)")
        // A project whose tiers the router does not have.
        try left.terminal.write(Self.ini + "; another\n", to: "other/.llmstack/models.ini")
        let (terminal, environment) = (left.terminal, left.environment)
        let folder = terminal.project.appending(path: "other").path
        let other = try await aside {
            try terminal.run(["install"], environment: environment.merging(["LLMSTACK_WORK_DIR": folder]) { $1 })
        }
        #expect(other.code == 0 && other.output.contains("another project's"), "\(other)")
    }

    @Test func withoutARouterItListsItsOwnAndSaysWhatToDo() async throws {
        let terminal = try Terminal()
        try terminal.write(Self.ini, to: ".llmstack/models.ini")
        let (home, environment) = (terminal.home.path, ["ROUTER_PORT": "1"])
        let again = "next: llmstack install again once the router runs, to see what other nodes lend\n"
        let alone = try await aside { try terminal.run(["install"], environment: environment) }
        #expect(alone.code == 0 && !alone.output.contains(again), "\(home) \(alone)")
        _ = try await aside { try terminal.run(["cluster", "init", "--open"], environment: environment) }
        let told = try await aside { try terminal.run(["install"], environment: environment) }
        #expect(told.code == 0 && told.output.hasSuffix(again) && told.errors.isEmpty, "\(told)")
        let printed = try await aside { try terminal.run(["install", "--print"], environment: environment) }
        #expect(printed.code == 0 && printed.output.contains("\"solo\"") && !printed.output.contains("next: llmstack"))
    }
}

import Foundation
import Testing

/// `NODE_EXTRA_CA_CERTS` inside a project that asks a router of a cluster with keys itself.
extension HookTests {
    @Test(arguments: ["bash", "zsh"], [nil, "/my/own.pem", ""] as [String?])
    func theAuthorityIsExportedAndTakenBack(_ shell: String, _ own: String?) throws {
        let terminal = try Terminal()
        for (directory, marker) in [(".", "external https://h:1\n"), ("inner", "external http://h:1\n")] {
            try terminal.write("{}", to: "\(directory)/.llmstack/opencode.json")
            try terminal.write("pem", to: "\(directory)/.llmstack/authorities.pem")
            try terminal.write(marker, to: "\(directory)/.llmstack/default-channel")
        }
        let process = try Self.shell(shell, terminal, own.map { ["NODE_EXTRA_CA_CERTS": $0] } ?? [:])
        let report = #"printf '%s\n' "${NODE_EXTRA_CA_CERTS-unset}" >> "$HOME/report""#
        let shown = try PseudoTerminal.run(
            process,
            typing: """
                set -u
                cd /
                . "$HOME/.\(shell)_llmstack_hook"
                cd - > /dev/null
                \(report)
                cd inner
                \(report)
                cd ..
                \(report)
                cd /
                \(report)
                exit
                """)
        let (bundle, outside) = ("\(terminal.state.path)/authorities.pem", own ?? "unset")
        let reported = try String(contentsOf: terminal.home.appending(path: "report"), encoding: .utf8)
        #expect(
            reported == [bundle, outside, bundle, outside].map { "\($0)\n" }.joined(), "\(shown.debugDescription)")
    }

    /// What the user sets meanwhile in a project that needs none of it stays.
    @Test(arguments: ["bash", "zsh"]) func aProjectThatNeedsNoneLeavesItAlone(_ shell: String) throws {
        let terminal = try Terminal()
        try terminal.write("{}", to: ".llmstack/opencode.json")
        try terminal.write("pem", to: ".llmstack/authorities.pem")
        let process = try Self.shell(shell, terminal)
        let shown = try PseudoTerminal.run(
            process,
            typing: """
                . "$HOME/.\(shell)_llmstack_hook"
                export NODE_EXTRA_CA_CERTS=/later.pem
                cd /
                printf '%s\\n' "${NODE_EXTRA_CA_CERTS-unset}" >> "$HOME/report"
                exit
                """)
        let reported = try String(contentsOf: terminal.home.appending(path: "report"), encoding: .utf8)
        #expect(reported == "/later.pem\n", "\(shown.debugDescription)")
    }
}

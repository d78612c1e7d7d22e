package import Cluster

/// One file of weights that a models.ini asks for, and how llama.cpp is told to fetch it.
package struct ModelDownload: Equatable, Sendable {
    /// Which of a tier's weights.
    package enum Label: String, Equatable, Sendable {
        case current, next
    }

    package var tier: String
    package var label: Label
    package var weights: GGUF.Weights

    /// All of a catalog, in its order; hosted tiers have none. A file that several tiers share is listed once.
    package static func all(_ catalog: Catalog) -> [ModelDownload] {
        var downloads: [ModelDownload] = []
        for tier in catalog.tiers {
            guard case .gguf(let gguf) = tier.backend else { continue }
            for (label, weights) in [(Label.current, gguf.current), (.next, gguf.next)] {
                guard let weights, !downloads.contains(where: { $0.isSameFile(weights) }) else { continue }
                downloads.append(ModelDownload(tier: tier.name, label: label, weights: weights))
            }
        }
        return downloads
    }

    private func isSameFile(_ other: GGUF.Weights) -> Bool {
        weights.repo == other.repo && weights.file == other.file
    }

    /// llama.cpp fetches what `-hf` and `-hff` name before it loads it; the rest keeps what follows as short as can be:
    /// one token, on the CPU. A Hugging Face token is not here, where every user of the machine could read it: llama.cpp
    /// takes it from `HF_TOKEN`.
    package var arguments: [String] {
        [
            "-hf", weights.repo, "-hff", weights.file, "--no-warmup", "-ngl", "0", "-c", "256", "-p", "ok", "-n", "1",
        ]
    }

    /// What it is called where it is shown.
    package var title: String { "\(tier) \(label.rawValue)" }

    /// In the project's logs. A tier's name is any text; a slash in it must not lead elsewhere.
    package var logName: String { "dl-\(tier.replacing("/", with: "_"))-\(label.rawValue).log" }

    /// Whether a process is fetching this file.
    package func isDone(by process: ProcessFacts) -> Bool {
        guard !process.isZombie else { return false }
        let wanted = arguments.prefix(4)
        return process.arguments.indices.contains { process.arguments[$0...].starts(with: wanted) }
            && process.arguments.prefix(3).contains { argument in
                ModelDownloader.programs.contains { argument == $0 || argument.hasSuffix("/\($0)") }
            }
    }
}

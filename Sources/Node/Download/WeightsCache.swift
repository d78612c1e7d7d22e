package import Cluster
import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Where llama.cpp and Hugging Face's own tools keep weights on this machine.
package struct WeightsCache: Equatable, Sendable {
    /// Hugging Face's hub cache: `$HF_HUB_CACHE`, `$HF_HOME/hub`, else `huggingface/hub` of the user's cache directory
    /// (https://huggingface.co/docs/huggingface_hub/guides/manage-cache).
    package let hub: String
    /// llama.cpp's: `$LLAMA_CACHE`, else `llama.cpp` of the user's cache directory.
    package let llamaCpp: String

    package init(environment: [String: String]) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let home = value("HOME") ?? NSHomeDirectory()
        let cache = value("XDG_CACHE_HOME") ?? "\(home)/.cache"
        hub =
            value("HF_HUB_CACHE") ?? value("HUGGINGFACE_HUB_CACHE")
            ?? "\(value("HF_HOME") ?? "\(cache)/huggingface")/hub"
        #if canImport(Darwin)
            llamaCpp = value("LLAMA_CACHE") ?? "\(home)/Library/Caches/llama.cpp"
        #else
            llamaCpp = value("LLAMA_CACHE") ?? "\(cache)/llama.cpp"
        #endif
    }

    package struct Found: Equatable, Sendable {
        /// Of the first file; a model may come in several.
        package var path: String
        /// Of all files.
        package var bytes: Int64
    }

    /// - Returns: nil unless all files of the weights are there, whole.
    package func find(_ weights: GGUF.Weights) -> Found? {
        let names = Self.parts(of: weights.file)
        var places: [String] = []
        for repository in repositories(weights) {
            let snapshots = "\(repository)/snapshots"
            let revisions = (try? FileManager.default.contentsOfDirectory(atPath: snapshots)) ?? []
            places += revisions.sorted().map { "\(snapshots)/\($0)/" }
        }
        places.append(llamaCppPrefix(weights))
        for (index, place) in places.enumerated() {
            let isLlamaCpp = index == places.count - 1
            let paths = names.map { place + (isLlamaCpp ? $0.replacing("/", with: "_") : $0) }
            let sizes = paths.compactMap(Self.size)
            if sizes.count == names.count { return Found(path: paths[0], bytes: sizes.reduce(0, +)) }
        }
        return nil
    }

    /// Bytes that have arrived of weights that are not whole yet.
    ///
    /// - Parameters:
    ///   - blobs: the names that the hub's cache gives the files, as ``HubModel/blobs`` has them; nil where they are not
    ///     known. Then all unfinished files of the repository count.
    ///   - isAlone: whether nothing else of the same repository is being fetched.
    /// - Returns: nil where nobody can tell, because another file of the repository is being fetched too.
    package func arrived(_ weights: GGUF.Weights, blobs: [String]? = nil, isAlone: Bool = true) -> Int64? {
        var bytes: Int64 = 0
        for name in Self.parts(of: weights.file) {
            let path = llamaCppPrefix(weights) + name.replacing("/", with: "_")
            bytes += Self.size(path) ?? Self.size("\(path).downloadInProgress") ?? 0
        }
        for repository in repositories(weights) {
            let folder = "\(repository)/blobs"
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                let isUnfinished = name.hasSuffix(".incomplete") || name.hasSuffix(".downloadInProgress")
                if let blobs {
                    let isOurs = blobs.contains { name == $0 || isUnfinished && name.hasPrefix("\($0).") }
                    guard isOurs else { continue }
                } else {
                    guard isUnfinished else { continue }
                    guard isAlone else { return nil }
                }
                bytes += Self.size("\(folder)/\(name)") ?? 0
            }
        }
        return bytes
    }

    /// Where the hub's cache has a repository. llama.cpp of 2026 keeps one of that form at `$LLAMA_CACHE` too
    /// (https://github.com/ggml-org/llama.cpp/blob/master/common/hf-cache.cpp).
    private func repositories(_ weights: GGUF.Weights) -> [String] {
        [hub, llamaCpp].map { "\($0)/models--\(weights.repo.replacing("/", with: "--"))" }
    }

    private func llamaCppPrefix(_ weights: GGUF.Weights) -> String {
        "\(llamaCpp)/\(weights.repo.replacing("/", with: "_"))_"
    }

    /// `x-00001-of-00003.gguf` stands for three files.
    package static func parts(of file: String) -> [String] {
        guard let match = file.wholeMatch(of: /(.*-)(\d{5})-of-(\d{5})(\.gguf)/), let count = Int(match.3),
            (1...999).contains(count)
        else { return [file] }
        return (1...count).map { number in
            let digits = String(number)
            let padded = String(repeating: "0", count: 5 - digits.count) + digits
            return "\(match.1)\(padded)-of-\(match.3)\(match.4)"
        }
    }

    /// Of the file behind all links; nil where there is none.
    private static func size(_ path: String) -> Int64? {
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int64(facts.st_size)
    }
}

import Foundation

/// What computes beside the processor.
package struct GraphicsCard: Equatable, Sendable {
    package var name: String
    /// Of its own, in bytes; 0 when it shares the machine's, or does not say.
    package var memory: Double

    package init(name: String, memory: Double) {
        self.name = name
        self.memory = memory
    }

    /// Reads `nvidia-smi --query-gpu=name,memory.total --format=csv,noheader,nounits`: a line a card, memory in MiB; `[N/A]`
    /// on a machine whose memory is one.
    package static func nvidia(_ output: String) -> [GraphicsCard] {
        output.split(whereSeparator: \.isNewline).compactMap { line in
            guard let comma = line.lastIndex(of: ",") else { return nil }
            let name = line[..<comma].trimmingCharacters(in: .whitespaces)
            let memory = line[line.index(after: comma)...].trimmingCharacters(in: .whitespaces)
            guard !name.isEmpty, memory.allSatisfy(\.isNumber) || memory.hasPrefix("[") else { return nil }
            return GraphicsCard(name: name, memory: (Double(memory) ?? 0) * 1_048_576)
        }
    }

    /// AMD's cards, as their driver shows them in sysfs. Under 2 GB is what an integrated one has set aside, beside the
    /// memory that it shares: such a one is none of its own.
    package static func amd(sysRoot: String) -> [GraphicsCard] {
        let folder = "\(sysRoot)/class/drm"
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.wholeMatch(of: /card\d+/) != nil
        }
        return names.sorted { ($0.count, $0) < ($1.count, $1) }.compactMap { card in
            func text(_ file: String) -> String? {
                (try? String(contentsOfFile: "\(folder)/\(card)/device/\(file)", encoding: .utf8))?
                    .trimmingCharacters(in: .whitespacesAndNewlines)
            }
            guard text("vendor") == "0x1002", let memory = text("mem_info_vram_total").flatMap(Double.init),
                memory >= 2e9
            else { return nil }
            let product = text("product_name").flatMap { $0.isEmpty ? nil : $0 }
            return GraphicsCard(name: product ?? "AMD graphics \(text("device") ?? "")", memory: memory)
        }
    }

    /// `2 x NVIDIA L4`; nil without a card.
    package static func title(_ cards: [GraphicsCard]) -> String? {
        var counts: [(name: String, count: Int)] = []
        for card in cards {
            if let index = counts.firstIndex(where: { $0.name == card.name }) {
                counts[index].count += 1
            } else {
                counts.append((card.name, 1))
            }
        }
        let names = counts.map { $0.count == 1 ? $0.name : "\($0.count) x \($0.name)" }
        return names.isEmpty ? nil : names.joined(separator: " + ")
    }
}

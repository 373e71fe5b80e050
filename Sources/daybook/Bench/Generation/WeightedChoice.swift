import Foundation

/// Draws indices by weight.
struct WeightedChoice {
    private let cumulative: [Double]

    init(_ weights: [Double]) {
        var sum = 0.0
        cumulative = weights.map {
            sum += $0
            return sum
        }
    }

    /// Zipf–Mandelbrot: few are busy, most are quiet, as people, tenants and words are.
    static func zipf(_ count: Int, exponent: Double) -> WeightedChoice {
        WeightedChoice((0..<count).map { 1 / pow(Double($0) + 3.7, exponent) })
    }

    func draw(_ random: inout SeededRandom) -> Int {
        let wanted = random.share() * cumulative[cumulative.count - 1]
        var low = 0
        var high = cumulative.count - 1
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

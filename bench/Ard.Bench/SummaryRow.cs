using System.Text.Json;

namespace Ard.Bench;

/// <summary>A line of the summary.json that the example program writes: one trained network, accuracies in percent.</summary>
internal sealed record SummaryRow(string Model, string Method, long Parameters, double Seconds, double Clean, double Fgsm, double Pgd20)
{
    public static SummaryRow[] Read(string file) =>
        JsonSerializer.Deserialize<SummaryRow[]>(File.ReadAllText(file), JsonSerializerOptions.Web)!;
}

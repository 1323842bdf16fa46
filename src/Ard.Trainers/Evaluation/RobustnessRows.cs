using System.Text.Json;
using Ard.Trainers.Data;

namespace Ard.Trainers.Evaluation;

/// <summary>What became of each image, as JSON lines: an object a line, in the order of the images.</summary>
internal static class RobustnessRows
{
    /// <param name="reports">The reports, each with the text that its rows name their adversary by; null for none.</param>
    /// <param name="path">The file.</param>
    public static void Write(IReadOnlyList<(RobustnessReport Report, string? Threat)> reports, string path)
    {
        foreach (var (report, _) in reports)
            if (report.Labels.Count != report.Clean.Points.Count)
                throw new InvalidOperationException(
                    $"The report has {report.Labels.Count} labels of {report.Clean.Points.Count} images, expected one for each: shards "
                    + "of an earlier version have none, and the same evaluation from their state has.");
        AtomicFile.Write(path, stream =>
        {
            foreach (var (report, threat) in reports) Write(report, threat, stream);
        });
    }

    private static void Write(RobustnessReport report, string? threat, Stream stream)
    {
        foreach (var (row, point) in report.WorstCase.Points.Index())
        {
            using (var json = new Utf8JsonWriter(stream))
            {
                json.WriteStartObject();
                json.WriteNumber("row", row);
                if (threat is not null) json.WriteString("threat", threat);
                Class(json, "label", report.Labels[row]);
                Class(json, "predicted", report.Clean.Predictions[row]);
                Class(json, "attacked", report.WorstCase.Predictions[row]);
                json.WriteString("brokenBy", point.BrokenBy);
                json.WriteNumber("size", point.Size);
                Number(json, "forwardPasses", point.ForwardPasses);
                Number(json, "backwardPasses", point.BackwardPasses);
                if (report.BlackBox is not null) Number(json, "queries", point.Queries);
                json.WriteEndObject();
            }
            stream.WriteByte((byte)'\n');
        }
    }

    // Outputs that are not finite name no class.
    private static void Class(Utf8JsonWriter json, string name, long number) => Number(json, name, number < 0 ? null : number);

    private static void Number(Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } value) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }
}

using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.MLNet.Tests.Scorer;

/// <summary>Scores as texts that are equal only if all bits are.</summary>
public static class Scores
{
    /// <summary>One text a row.</summary>
    public static IEnumerable<string> Of(MLContext ml, ITransformer model, IDataView data, string name = "Score")
    {
        var view = model.Transform(data);
        var column = view.Schema[name];
        using var cursor = view.GetRowCursor([column]);
        var get = cursor.GetGetter<VBuffer<float>>(column);
        VBuffer<float> scores = default;
        while (cursor.MoveNext())
        {
            get(ref scores);
            yield return string.Join(' ', scores.DenseValues().Select(score => $"{BitConverter.SingleToInt32Bits(score):x8}"));
        }
    }
}

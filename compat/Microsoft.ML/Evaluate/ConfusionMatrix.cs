// Stands in for Microsoft.ML.Data: counts of actual classes (rows) against predicted ones (columns).
using System.Globalization;
using System.Text;

namespace Microsoft.ML.Data;

public sealed class ConfusionMatrix
{
    private readonly IReadOnlyList<string> _names;

    internal ConfusionMatrix(double[][] counts, IReadOnlyList<string> names)
    {
        _names = names;
        Counts = counts;
        NumberOfClasses = counts.Length;
        var all = Enumerable.Range(0, NumberOfClasses).ToArray();
        PerClassRecall = all.Select(c => Ratio(counts[c][c], counts[c].Sum())).ToArray();
        PerClassPrecision = all.Select(c => Ratio(counts[c][c], counts.Sum(row => row[c]))).ToArray();
    }

    private static double Ratio(double part, double whole) => whole > 0 ? part / whole : 0;

    public IReadOnlyList<double> PerClassPrecision { get; }

    public IReadOnlyList<double> PerClassRecall { get; }

    public IReadOnlyList<IReadOnlyList<double>> Counts { get; }

    public int NumberOfClasses { get; }

    public double GetCountForClassPair(int predictedClassIndicatorIndex, int actualClassIndicatorIndex)
    {
        if (predictedClassIndicatorIndex < 0 || predictedClassIndicatorIndex >= NumberOfClasses)
            throw new ArgumentOutOfRangeException(nameof(predictedClassIndicatorIndex));
        if (actualClassIndicatorIndex < 0 || actualClassIndicatorIndex >= NumberOfClasses)
            throw new ArgumentOutOfRangeException(nameof(actualClassIndicatorIndex));
        return Counts[actualClassIndicatorIndex][predictedClassIndicatorIndex];
    }

    public string GetFormattedConfusionTable()
    {
        const string truth = "TRUTH", predicted = "PREDICTED", precision = "Precision";
        int cell = NumberOfClasses == 2 ? 8 : 5;
        int longest = _names.Max(name => name.Length);
        // Names too long for a column head are shown before the rows only, each behind its number.
        bool numbered = longest > cell;
        int digits = (NumberOfClasses - 1).ToString(CultureInfo.InvariantCulture).Length;
        int label = Math.Max(predicted.Length, numbered ? longest + digits + 2 : longest);
        string RowName(int c) => numbered
            ? c.ToString(CultureInfo.InvariantCulture).PadLeft(digits) + ". " + _names[c].PadLeft(label - digits - 2)
            : _names[c].PadLeft(label);
        string ColumnName(int c) => numbered ? c.ToString(CultureInfo.InvariantCulture) : _names[c];
        string Row(Func<int, string> text) =>
            string.Concat(Enumerable.Range(0, NumberOfClasses).Select(c => " " + text(c).PadLeft(cell) + " |"));

        string blank = new string(' ', label) + " ||";
        string rule = new string('=', (cell + 3) * NumberOfClasses);
        var table = new StringBuilder().AppendLine().AppendLine("Confusion table");
        table.Append(blank).AppendLine(rule);
        table.Append(predicted.PadRight(label)).Append(" ||").Append(Row(ColumnName)).AppendLine(" Recall");
        table.Append(truth.PadRight(label)).Append(" ||").AppendLine(rule);
        for (int c = 0; c < NumberOfClasses; c++)
        {
            var counts = Counts[c];
            table.Append(RowName(c)).Append(" ||").Append(Row(p => counts[p].ToString("N0", CultureInfo.InvariantCulture)));
            table.Append(' ').AppendLine(PerClassRecall[c].ToString("F4", CultureInfo.InvariantCulture));
        }
        table.Append(blank).AppendLine(rule);
        table.Append(precision.PadRight(label)).Append(" ||");
        foreach (double value in PerClassPrecision) table.Append(value.ToString("F4", CultureInfo.InvariantCulture).PadLeft(cell + 1))
            .Append(" |");
        return table.AppendLine().ToString();
    }
}

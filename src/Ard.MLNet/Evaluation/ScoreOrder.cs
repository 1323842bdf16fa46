namespace Ard.MLNet.Evaluation;

/// <summary>
/// Whether a model's scores are in the order of the classes: where it names a class beside them, the largest score has to be that class's.
/// </summary>
internal static class ScoreOrder
{
    /// <summary>
    /// The column with the class that the model names beside its scores, hidden or not; null where it may be something else: another
    /// predictor's, no class of the labels', or what the data had before.
    /// </summary>
    public static DataViewSchema.Column? Beside(
        DataViewSchema output, DataViewSchema.Column scores, string name, ClassLabels labels, Func<DataViewSchema.Column, bool> isOfImages)
    {
        var set = Classifier.SetIdOf(scores);
        var beside = output.LastOrDefault(column => column.Name == name
            && (set is null || Classifier.SetIdOf(column) is not { } its || its == set)
            && NamesLabels(column) && isOfImages(column));
        return beside.Name is null ? null : beside;

        bool NamesLabels(DataViewSchema.Column column) => column.Type switch
        {
            KeyDataViewType => ClassLabels.ReadOrNull(column) is { } own
                && (own.Matches(labels) || (own.KindName is not null && own.KindName == labels.KindName)),
            TextDataViewType => !column.IsHidden && labels.KindName == "text",
            BooleanDataViewType => labels.KindName == "bool",
            _ => false,
        };
    }

    /// <summary>
    /// The class, from 0, that a row of that column names; -1 for none of the labels'. A key's values may be in another order.
    /// </summary>
    public static Func<long> Open(DataViewRow row, DataViewSchema.Column column, ClassLabels labels)
    {
        if (column.Type is not KeyDataViewType || (ClassLabels.Read(column) is var own && own.Matches(labels)))
            return labels.Open(row, column);
        var (get, names) = (own.Open(row, column), labels.Names.ToList());
        long[] places = [.. own.Names.Select(name => (long)names.IndexOf(name))];
        return () => get() is >= 0 and var number ? places[number] : -1;
    }

    /// <exception cref="InvalidOperationException">The largest score is not that of the class that is named.</exception>
    public static void Require(float[] scores, long named, long row, string scoreColumn, string namedColumn, ClassLabels labels)
    {
        // Of equal ones, or of NaN, none is the largest.
        var largest = Array.IndexOf(scores, scores.Max());
        if (named < 0 || largest < 0 || largest == named || scores.Count(score => score == scores[largest]) > 1) return;
        throw new InvalidOperationException(
            $"The largest value of '{scoreColumn}' in row {row} is that of class '{labels.Names[largest]}', and '{namedColumn}' is "
            + $"'{labels.Names[(int)named]}': expected the scores in the order of {labels}. Name another column of scores, or drop the one "
            + "of the two that is not meant (DropColumns).");
    }
}

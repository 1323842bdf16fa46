namespace Ard.Trainers.Data;

/// <summary>The two parts in which the usual data sets are published.</summary>
public enum DataSplit
{
    /// <summary>The images to train on.</summary>
    Train,

    /// <summary>The images to report results on.</summary>
    Test,
}

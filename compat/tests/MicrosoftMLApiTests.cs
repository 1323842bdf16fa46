using Microsoft.ML;

namespace Compat.Tests;

public class MicrosoftMLApiTests
{
    [Fact]
    public void The_stand_in_has_no_public_member_that_ML_NET_lacks() =>
        ApiSubset.Check(typeof(MLContext).Assembly, "Microsoft.ML", "Microsoft.ML.*.txt");

    [RealListsFact]
    public void The_kept_list_is_part_of_the_real_ones() => ApiSubset.CheckKept("Microsoft.ML", "Microsoft.ML.*.txt");
}
